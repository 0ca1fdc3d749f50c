"""The head of the page between two snapshots: what was booked since, and what open positions stand at."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, book, insert, now
from tests.sections.test_traps import get

SNAPSHOT = {"total_pnl": 1, "open_positions": 1}


async def snapshots(connection: asyncpg.Connection, session: int, *equities: float) -> None:
    """One every ten minutes, the newest five minutes ago."""
    for number, equity in enumerate(reversed(equities)):
        at = ago(minutes=5 + 10 * number)
        row = SNAPSHOT | {"timestamp": at, "balance": 10_000, "equity": equity}
        await insert(connection, "account_history", session_id=session, **row)


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    number = await insert(connection, "trading_sessions", initial_balance=10_000, start_time=ago(days=1))
    await snapshots(connection, number, *[10_000] * 20, 10_010)
    return number


async def curve(client: Any) -> list[tuple[float, float]]:
    """Equity and drawdown."""
    points = await get(client, "/api/balance/history")
    return [(point["equity"], point["drawdown"]) for point in points]


async def test_a_loss_booked_since_the_snapshot_is_a_drawdown(
    connection: asyncpg.Connection, client: Any, session: int
) -> None:
    await book(connection, session, now(), 9_900, change=-100)
    metrics: Mapping[str, Any] = await get(client, "/api/metrics")
    assert (metrics["equity"], metrics["total_return"]) == (9_900, pytest.approx(-1))
    assert metrics["current_drawdown"] == metrics["max_drawdown"] == pytest.approx(110 / 10_010 * 100)
    assert (await curve(client))[-1] == (9_900, pytest.approx(110 / 10_010 * 100))
    page = await (await client.get("/")).get_data(as_text=True)
    assert "9,900.00" in page
    assert "+10.00" not in page


async def test_it_carries_its_time(connection: asyncpg.Connection, client: Any, session: int) -> None:
    at = now().replace(microsecond=0) - timedelta(seconds=3)
    await insert(connection, "positions", session_id=session, current_price=110, unrealized_pnl=25, last_update=at)
    balance = await get(client, "/api/balance")
    assert (balance["equity"], balance["balance"]) == (10_025, 10_000)
    assert datetime.fromisoformat(balance["timestamp"]).replace(tzinfo=None) == at


async def test_a_deposit_since_the_snapshot_leaves_the_return_alone(
    connection: asyncpg.Connection, client: Any, session: int
) -> None:
    why = {"update_reason": "deposit", "base_currency": "USD"}
    for total, at in ((10_000, ago(hours=20)), (15_000, ago(minutes=1))):
        await insert(connection, "account_balances", session_id=session, total_balance=total, last_updated=at,
                     **why | ({} if total > 10_000 else {"update_reason": "session_start"}))  # fmt: skip
    metrics = await get(client, "/api/metrics")
    growth = 1.001 * 15_000 / (10_010 + 5_000)
    assert (metrics["equity"], metrics["total_return"]) == (15_000, pytest.approx((growth - 1) * 100))


async def test_a_gap_shows_before_the_first_snapshot_of_a_restart(
    connection: asyncpg.Connection, client: Any, session: int
) -> None:
    """The balance of the session before was 10,000; the new one begins with forty more: they count as paid in."""
    await connection.execute("UPDATE trading_sessions SET end_time = $1", ago(minutes=4))
    later = await insert(connection, "trading_sessions", initial_balance=10_040, start_time=ago(minutes=3))
    await insert(connection, "account_balances", session_id=later, total_balance=Decimal(10_040),
                 last_updated=ago(minutes=3), update_reason="session_start")  # fmt: skip
    metrics = await get(client, f"/api/metrics?bot={session}")
    assert metrics["equity"] == 10_040
    growth = 1.001 * 10_040 / (10_010 + 40)
    assert metrics["total_return"] == pytest.approx((growth - 1) * 100)
