"""A clean restart: the session ends, a new one begins, and its open position is moved to it a moment later."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.faults.page import Page, dashboard
from tests.rows import ago, insert, now
from tests.waiting import until


@pytest.fixture
async def page(connection: asyncpg.Connection, database_url: str) -> AsyncIterator[Page]:
    """The page of a LIVE session 1 with one open position."""
    await insert(connection, "trading_sessions", mode="LIVE", start_time=ago(days=2))
    await insert(connection, "positions", session_id=1, symbol="BTCUSDT", quantity=1, last_update=now())
    async with dashboard(database_url) as opened:
        await opened.shows("open_positions", "BTCUSDT")
        yield opened


async def open_ids(page: Page, scope: str) -> list[int]:
    return [position["id"] for position in await page.json(f"/api/positions?{scope}")]


async def test_a_moved_position_is_in_its_new_session(page: Page, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE trading_sessions SET end_time = $1 WHERE id = 1", now())
    await insert(connection, "trading_sessions", mode="LIVE", start_time=now())
    assert await open_ids(page, "session=1") == [1]
    assert await open_ids(page, "session=2") == []
    await connection.execute("UPDATE positions SET session_id = 2")
    assert await open_ids(page, "session=2") == [1]
    assert await open_ids(page, "session=1") == []
    await page.shows("open_positions", "BTCUSDT")
    await connection.execute("UPDATE positions SET current_price = 51234.5, last_update = $1", now())
    await page.shows("open_positions", "51,234.50")


@pytest.mark.parametrize("table", ["trades", "account_history", "account_balances"])
async def test_a_row_that_moves_is_counted_where_it_is(page: Page, connection: asyncpg.Connection, table: str) -> None:
    """An old row's session is corrected, as a clean-up does."""
    await insert(connection, "trading_sessions", mode="LIVE", start_time=ago(hours=1))
    columns = {"trades": {"exit_time": now(), "pnl": 7}, "account_balances": {"total_balance": 7}}
    await insert(connection, table, session_id=1, **columns.get(table, {"balance": 7, "equity": 7, "total_pnl": 1}))
    key, seen = ("total_trades", 1) if table == "trades" else ("current_balance", 7)
    assert (await page.json("/api/metrics?session=1"))[key] == seen
    await connection.execute(f"UPDATE {table} SET session_id = 2")

    async def moved() -> bool:
        there, gone = [(await page.json(f"/api/metrics?session={number}"))[key] for number in (2, 1)]
        return there == seen and gone != seen

    await until(moved)


async def keep_pricing(url: str, number: int) -> None:
    """An engine at work, so that the server's counts of updates say nothing about other rows of the table."""
    engine = await asyncpg.connect(url)
    try:
        while True:
            await engine.execute("UPDATE positions SET last_update = $2 WHERE id = $1", number, now())
            await asyncio.sleep(0.1)
    finally:
        engine.terminate()


async def test_a_position_that_is_opened_again_is_shown(connection: asyncpg.Connection, database_url: str) -> None:
    """It was closed before anybody watched it."""
    await insert(connection, "trading_sessions", mode="LIVE", start_time=ago(days=2))
    await insert(connection, "positions", session_id=1, symbol="ETHUSDT", status="CLOSED", quantity=1)
    priced = await insert(connection, "positions", session_id=1, symbol="BTCUSDT", quantity=1)
    async with dashboard(database_url) as page:
        assert await open_ids(page, "session=1") == [priced]
        pricing = asyncio.create_task(keep_pricing(database_url, priced))
        await connection.execute("UPDATE positions SET status = 'OPEN', last_update = $1 WHERE id = 1", now())
        await page.shows("open_positions", "ETHUSDT")
        await connection.execute("UPDATE positions SET current_price = 4321.5 WHERE id = 1")
        await page.shows("open_positions", "4,321.50")
        pricing.cancel()
        await asyncio.gather(pricing, return_exceptions=True)
