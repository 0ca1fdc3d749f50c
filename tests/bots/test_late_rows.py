"""Rows that come late or are corrected make other bots of the sessions, or other gaps between them, at once."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tests.clocks import AN_AFTERNOON, standing_at
from tests.faults.page import Page, dashboard
from tests.rows import insert

NOON = AN_AFTERNOON
HOUR = timedelta(hours=1)


@pytest.fixture
async def page(connection: asyncpg.Connection, database_url: str) -> AsyncIterator[Page]:
    """Of a LIVE bot that crashed an hour ago, and that goes on since."""
    await insert(connection, "trading_sessions", mode="LIVE", initial_balance=1000, start_time=NOON - 9 * HOUR)
    await book(connection, NOON - 2 * HOUR, 1000)
    await snapshot(connection, 1, NOON - 2 * HOUR, 1000)
    await insert(connection, "trading_sessions", mode="LIVE", initial_balance=1500, start_time=NOON - HOUR)
    await snapshot(connection, 2, NOON, 1500)
    async with dashboard(database_url, followed=False, clock=standing_at(NOON)) as opened:
        assert await bots(opened) == [[1, 2]]
        yield opened


async def book(connection: asyncpg.Connection, at: object, balance: int) -> None:
    await insert(connection, "account_balances", session_id=1, last_updated=at, total_balance=balance,
                 update_reason="trade_exit")  # fmt: skip


async def snapshot(connection: asyncpg.Connection, session: int, at: object, equity: int) -> None:
    await insert(connection, "account_history", session_id=session, timestamp=at, balance=equity, equity=equity,
                 total_pnl=1)  # fmt: skip


async def bots(page: Page) -> list[list[int]]:
    await page.parts.feed.caught_up()
    return sorted(bot["sessions"] for bot in await page.json("/api/bots"))


async def test_a_balance_that_comes_late_closes_the_gap(page: Page, connection: asyncpg.Connection) -> None:
    """500 were earned before the restart, not paid in: the return holds them."""
    assert (await page.json("/api/metrics"))["max_drawdown"] == pytest.approx(0)
    await snapshot(connection, 2, NOON, 750)
    await book(connection, NOON - 1.5 * HOUR, 1500)
    await page.parts.feed.caught_up()
    assert (await page.json("/api/metrics"))["max_drawdown"] == pytest.approx(50)
    assert [point["drawdown"] for point in await page.json("/api/balance/history")] == pytest.approx([0, 0, 50])


async def test_a_session_that_writes_on_has_no_successor(page: Page, connection: asyncpg.Connection) -> None:
    await snapshot(connection, 1, NOON - HOUR / 2, 1000)
    assert await bots(page) == [[1], [2]]


async def test_a_trade_written_later_is_a_sign_of_life(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "trades", session_id=1, exit_time=NOON - 2 * HOUR, created_at=NOON)
    assert await bots(page) == [[1], [2]]


async def test_a_row_that_moves_away_leaves_no_sign(page: Page, connection: asyncpg.Connection) -> None:
    """The position was touched by the session that goes on, and named the one before for a moment."""
    await insert(connection, "positions", session_id=1, last_update=NOON)
    assert await bots(page) == [[1], [2]]
    await connection.execute("UPDATE positions SET session_id = 2")
    assert await bots(page) == [[1, 2]]
