"""What the tests of the balance adjustment share."""

from decimal import Decimal

from asyncpg import Connection

from monitoring.adjustment import Adjustment


def wish(session: int, balance: str = "1500", **changes: object) -> Adjustment:
    given: dict[str, object] = {"reason": "deposit", "adjusted_by": "ann", **changes}
    return Adjustment((session,), Decimal(balance), **given)  # type: ignore[arg-type]


async def count(connection: Connection) -> tuple[int, int]:
    """Rows of balances and of events."""
    return tuple(
        await connection.fetchrow("SELECT (SELECT count(*) FROM account_balances), count(*) FROM system_events")
    )
