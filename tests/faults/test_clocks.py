"""Clocks that differ, and clocks that jump: nothing old looks fresh, and nothing stops working."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from tests.clocks import RunningClock
from tests.faults.page import Page
from tests.faults.test_outages import trades_on
from tests.rows import insert, now
from tests.waiting import until


async def writes(connection: asyncpg.Connection, at: datetime) -> None:
    """Another bot begins, the one before is over, and writes its first row now, by a clock of its own."""
    await connection.execute("UPDATE trading_sessions SET end_time = $1", now() - timedelta(hours=1))
    session = await insert(connection, "trading_sessions", mode="LIVE", strategy_name="newcomer", start_time=now(),
                           exchange="elsewhere")  # fmt: skip
    await insert(connection, "account_history", session_id=session, timestamp=at, balance=10_000, total_pnl=1)


async def test_the_engines_clock_is_ahead(page: Page, connection: asyncpg.Connection) -> None:
    await writes(connection, now() + timedelta(hours=2))
    await page.shows("state", "newcomer")
    # A row of the future is no sign of life.
    await page.shows("state", "Starting")
    assert "Online" not in page.fragments["state"]
    assert (await page.json("/api/status"))["state"] == "Starting"


async def test_the_engines_clock_is_behind(page: Page, connection: asyncpg.Connection, clock: RunningClock) -> None:
    """Its rows are written just now, but their times are old."""
    await writes(connection, now() - timedelta(hours=3))
    await page.shows("state", "newcomer")
    await page.shows("state", "Starting")
    clock.forward(hours=3)
    await page.shows("state", "Offline")
    assert "Online" not in page.fragments["state"]


async def test_pages_follow_over_midnight_though_nothing_happens(
    page: Page, connection: asyncpg.Connection, account: int, clock: RunningClock
) -> None:
    late = now().replace(hour=23, minute=0)
    clock.ahead = late - now()
    await insert(connection, "trades", session_id=account, pnl=4321, commission=0, exit_time=late)
    await page.shows("account_now", ">+4,321.00<")
    clock.forward(hours=2)

    def hides_it_in_a_minute() -> bool:
        clock.forward(minutes=1)
        return ">+4,321.00<" not in page.fragments["account_now"]

    await until(hides_it_in_a_minute)
    assert (await page.json("/api/metrics"))["daily_pnl"] == 0


@pytest.mark.parametrize("days", [-10, 10])
async def test_our_own_clock_jumps(page: Page, database_url: str, account: int, clock: RunningClock, days: int) -> None:
    """The clock jumps, as when a machine wakes up or first asks a time server; the feed goes on."""
    clock.ahead = timedelta(days=days)
    if days > 0:
        await page.hides("state", "Online")
    assert (await page.json("/api/status"))["feed"]["lag"] < 5
    clock.ahead = timedelta()
    await page.shows("state", "Online")
    await trades_on(page, database_url, account)
