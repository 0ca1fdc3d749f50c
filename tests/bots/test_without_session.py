"""Rows whose session the engine's clean-up took away stay with the bot of whatever they name."""

import asyncpg

from tests.bots.test_bots import open_ids, page
from tests.faults.page import Page
from tests.rows import ago, insert, now
from tests.waiting import until

__all__ = ["page"]


async def test_an_open_position_stays_by_its_order(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "orders", position_id=1, session_id=1, status="FILLED", created_at=ago(hours=1))
    await connection.execute("UPDATE positions SET session_id = NULL, current_price = 51234.5, last_update = $1", now())
    await page.shows("positions", "51,234.50")
    assert await open_ids(page) == [1]
    assert (await page.json("/api/positions/1/orders?bot=1"))["position_id"] == 1


async def test_trades_stay_by_position_or_order(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "orders", session_id=1, internal_order_id="exit-7", created_at=ago(hours=3))
    common = {"session_id": None, "commission": 0, "entry_time": ago(hours=4), "exit_time": ago(hours=3)}
    await insert(connection, "trades", position_id=1, pnl=20, **common)
    await insert(connection, "trades", order_id="exit-7", pnl=7, **common)
    await insert(connection, "trades", pnl=1000, **common)

    async def total() -> bool:
        metrics = await page.json("/api/metrics")
        return (metrics["total_trades"], metrics["total_pnl"]) == (3, 127)

    await until(total)
    assert [trade["pnl"] for trade in await page.json("/api/trades?sort=pnl")] == [100, 20, 7]


async def test_trades_stay_when_their_session_is_taken(page: Page, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE trades SET position_id = 1, session_id = NULL, pnl = 55")
    await connection.execute("SELECT pg_stat_force_next_flush()")

    async def total() -> bool:
        metrics = await page.json("/api/metrics")
        return (metrics["total_trades"], metrics["total_pnl"]) == (1, 55)

    await until(total)


async def test_a_position_goes_where_its_order_goes(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="PAPER", strategy_name="other")
    await insert(connection, "orders", position_id=1, session_id=1, status="FILLED", created_at=ago(days=2))
    await connection.execute("UPDATE positions SET session_id = NULL")
    await until(lambda: open_ids(page, "bot=1"))
    await connection.execute("UPDATE orders SET session_id = 2")
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await until(lambda: open_ids(page, "bot=2"))
    assert await open_ids(page, "bot=1") == []
    counts = [(await page.json(f"/api/metrics?bot={bot}"))["active_positions_count"] for bot in (1, 2)]
    assert counts == [0, 1]
