"""The engine took its balance from the exchange: a cost, a loss or a deposit, and nobody can tell which."""

from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert, now
from tests.web.alerting import alerts, configured, lines

CORRECTION = [("correction", "info", 1)]


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    session = await insert(connection, "trading_sessions", start_time=ago(days=3))
    for minutes in range(0, 410, 10):
        row = {"balance": 9990 if minutes < 60 else 10_000, "timestamp": ago(minutes=minutes)}
        await insert(connection, "account_history", session_id=session, total_pnl=1, **row)
    return session


async def book(
    connection: asyncpg.Connection, bot: int, total: float, at: datetime, reason: str = "account_sync"
) -> int:
    await insert(
        connection, "account_balances", session_id=bot, last_updated=ago(days=3), update_reason="session_start"
    )
    row = {"total_balance": total, "last_updated": at, "update_reason": reason}
    return await insert(connection, "account_balances", session_id=bot, **row)


async def corrections(client: Any, query: str = "") -> list[tuple[str, str, int]]:
    """What no booking explains makes the books disagree, too."""
    return [line for line in await lines(client, query) if line[0] != "books"]


async def test_a_correction_of_the_balance_is_an_alert(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    at = ago(minutes=65)
    await book(connection, bot, 9990, at)
    (alert,) = await alerts(client)
    assert (alert["code"], alert["severity"], alert["count"]) == ("correction", "info", 1)
    assert alert["text"].startswith("1 correction of the balance in the last 24 h: −0.10")
    assert alert["since"].startswith(f"{at:%Y-%m-%dT%H:%M:%S}")


@pytest.mark.parametrize(
    ("total", "hours", "reason"),
    [(9999.1, 1, "account_sync"), (9990, 25, "account_sync"), (9990, -1, "account_sync"), (9990, 1, "Withdrawal")],
    ids=["small", "old", "to come", "a withdrawal"],
)
async def test_what_is_no_correction_of_today(
    client: Any, connection: asyncpg.Connection, bot: int, total: float, hours: float, reason: str
) -> None:
    await book(connection, bot, total, ago(hours=hours), reason)
    assert await corrections(client) == []


async def test_a_gap_at_a_restart_is_a_correction(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    await connection.execute("UPDATE trading_sessions SET end_time = $1", ago(minutes=5))
    later = await insert(connection, "trading_sessions", start_time=ago(minutes=4), initial_balance=9950)
    await insert(connection, "account_history", session_id=later, balance=9950, timestamp=now(), total_pnl=1)
    await connection.execute(
        "DELETE FROM account_history WHERE session_id = $1 AND timestamp > $2", bot, ago(minutes=6)
    )
    assert await corrections(client, f"?bot={bot}") == CORRECTION


class TestExplained:
    """The operator's file says what the correction with id 2 was."""

    @pytest.fixture
    def environ(self, environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
        return configured(environ, tmp_path, '[[correction]]\nid = 2\nkind = "withdrawal"\n')

    async def test_a_correction_that_the_operator_named_is_no_alert(
        self, client: Any, connection: asyncpg.Connection, bot: int
    ) -> None:
        assert await book(connection, bot, 9990, ago(minutes=65)) == 2
        assert await lines(client) == []
