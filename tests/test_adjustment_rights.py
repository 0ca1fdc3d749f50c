"""Which rights of the database role the balance adjustment needs, and what it says without them."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from asyncpg import Connection

from monitoring.adjustment import Adjusted, Adjustment, AdjustmentRefused, adjust_balance
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import Capabilities
from tests.adjusting import count, wish
from tests.rows import insert


@pytest.fixture
async def session(connection: Connection) -> int:
    number = await insert(connection, "trading_sessions")
    await insert(connection, "account_balances", session_id=number)
    return number


@pytest.fixture
async def role(connection: Connection) -> AsyncIterator[str]:
    """A role that may read everything and write nothing."""
    name = f"reader_{uuid4().hex}"
    await connection.execute(f"CREATE ROLE {name}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    yield name
    await connection.execute(f"RESET ROLE; DROP OWNED BY {name}; DROP ROLE {name}")


async def adjust_as(connection: Connection, role: str, wanted: Adjustment) -> Adjusted:
    capabilities = await Capabilities.read(connection)
    await connection.execute(f"SET ROLE {role}")
    try:
        return await adjust_balance(connection, capabilities, wanted, SYSTEM_CLOCK)
    finally:
        await connection.execute("RESET ROLE")


async def test_a_role_that_may_not_write(connection: Connection, session: int, role: str) -> None:
    with pytest.raises(AdjustmentRefused, match="may not write") as refused:
        await adjust_as(connection, role, wish(session))
    assert refused.value.code == "not_permitted"


async def test_no_balance_without_its_event(connection: Connection, session: int, role: str) -> None:
    await connection.execute(
        f"GRANT INSERT, UPDATE ON account_balances TO {role}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    )
    with pytest.raises(AdjustmentRefused):
        await adjust_as(connection, role, wish(session))
    assert await count(connection) == (1, 0)


async def test_the_rights_that_are_enough(connection: Connection, session: int, role: str) -> None:
    await connection.execute(f"""
        GRANT INSERT, UPDATE (last_updated) ON account_balances TO {role};
        GRANT INSERT ON system_events TO {role};
        GRANT USAGE ON account_balances_id_seq, system_events_id_seq TO {role};
    """)
    assert (await adjust_as(connection, role, wish(session))).new_balance == 1500
