"""Since when an alert holds: the same from one look to the next, and after a restart of the dashboard."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.clocks import AN_AFTERNOON, Calendar
from tests.faults.page import Page, dashboard
from tests.rows import insert

BEGAN = AN_AFTERNOON - timedelta(hours=3)


def at(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


@pytest.fixture
def calendar() -> Calendar:
    """Three hours after the bot began."""
    return Calendar()


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", initial_balance=10_000, start_time=BEGAN,
                        strategy_config={"max_drawdown": 0.2})  # fmt: skip


async def snapshots(connection: asyncpg.Connection, bot: int, balance: float, *minutes: float) -> None:
    for number in minutes:
        await insert(connection, "account_history", session_id=bot, timestamp=at(number), balance=balance, total_pnl=1)


async def since(page: Page, code: str) -> tuple[datetime | None, str]:
    await page.parts.feed.caught_up()
    (alert,) = [one for one in await page.json("/api/alerts") if one["code"] == code]
    found = alert["since"] and datetime.fromisoformat(alert["since"]).replace(tzinfo=None)
    return found, alert["text"]


async def test_books_disagree_since_a_snapshot(
    connection: asyncpg.Connection, database_url: str, calendar: Calendar, bot: int
) -> None:
    """Of snapshots a minute, some of which agreed within the ten minutes in which it began."""
    await snapshots(connection, bot, 10_000, *range(63), 65)
    await snapshots(connection, bot, 9_900, 63, 64, *range(66, 178))
    seen = set()
    async with dashboard(database_url, followed=False, clock=calendar.clock) as page:
        for minute in range(178, 190, 3):
            seen.add(await since(page, "books"))
            await snapshots(connection, bot, 9_900, *range(minute, minute + 3))
            calendar.wait(180)
    async with dashboard(database_url, followed=False, clock=calendar.clock) as page:
        seen.add(await since(page, "books"))
    assert seen == {(at(66), "+100.00 cannot be explained by trades, fees and bookings")}


async def test_positions_closed_since_then_count_as_open(
    connection: asyncpg.Connection, database_url: str, calendar: Calendar, bot: int
) -> None:
    """The fee of each is booked at its entry, and part of its trade from its exit on."""
    balance = 10_000.0
    for minute in range(0, 180, 30):
        position = await insert(connection, "positions", session_id=bot, status="CLOSED", entry_time=at(minute + 5))
        await insert(connection, "orders", session_id=bot, position_id=position, commission=40,
                     created_at=at(minute + 5))  # fmt: skip
        await insert(connection, "trades", session_id=bot, position_id=position, pnl=50, commission=80,
                     exit_time=at(minute + 25))  # fmt: skip
        missing = 30 if minute >= 90 else 0
        await snapshots(connection, bot, balance - missing - 40, *range(minute + 6, minute + 25))
        balance -= 30
    await snapshots(connection, bot, balance - missing, 178)
    async with dashboard(database_url, followed=False, clock=calendar.clock) as page:
        assert await since(page, "books") == (at(96), "+30.00 cannot be explained by trades, fees and bookings")


async def test_a_partial_exit_that_only_the_balance_tells_of(
    connection: asyncpg.Connection, database_url: str, calendar: Calendar, bot: int
) -> None:
    """Half of 10 sold for 20 more, an hour after the start; the engine booked it and wrote no P&L beside it."""
    position = await insert(connection, "positions", session_id=bot, entry_price=100, quantity=10, original_size=1,
                            entry_time=at(1), stop_loss=1)  # fmt: skip
    await insert(connection, "partial_trades", position_id=position, size=0.5, price=120, timestamp=at(60))
    await snapshots(connection, bot, 10_000, 0, 10, 20)
    await snapshots(connection, bot, 9_970, 30, 40, 50)
    await snapshots(connection, bot, 10_070, *range(61, 180, 10))
    async with dashboard(database_url, followed=False, clock=calendar.clock) as page:
        assert await since(page, "books") == (at(30), "+30.00 cannot be explained by trades, fees and bookings")


async def test_a_deposit_that_shows_late_is_no_disagreement(
    connection: asyncpg.Connection, database_url: str, calendar: Calendar, bot: int
) -> None:
    await snapshots(connection, bot, 10_000, 0, 30, 60, 90)
    await insert(connection, "account_balances", session_id=bot, last_updated=at(40), total_balance=11_000,
                 update_reason="deposit", base_currency="USD")  # fmt: skip
    await snapshots(connection, bot, 10_900, 120, 150)
    async with dashboard(database_url, followed=False, clock=calendar.clock) as page:
        assert (await since(page, "books"))[0] == at(120)


async def test_books_may_disagree_before_a_snapshot_shows_it(
    connection: asyncpg.Connection, database_url: str, calendar: Calendar, bot: int
) -> None:
    """A booking that no trade explains, twenty minutes after the newest snapshot."""
    await snapshots(connection, bot, 10_000, 0, 30, 60, 90, 120, 150)
    await insert(connection, "account_balances", session_id=bot, last_updated=at(168), total_balance=9_900,
                 update_reason="trade_exit", base_currency="USD")  # fmt: skip
    text = "+100.00 cannot be explained by trades, fees and bookings; no snapshot shows it yet"
    async with dashboard(database_url, followed=False, clock=calendar.clock) as page:
        assert await since(page, "books") == (None, text)
        await snapshots(connection, bot, 9_900, 180)
        calendar.wait(660)
        assert (await since(page, "books"))[0] == at(180)


async def test_a_price_at_the_drawdown_limit(
    connection: asyncpg.Connection, database_url: str, calendar: Calendar, bot: int
) -> None:
    """Prices tell that it is there, snapshots since when."""
    await snapshots(connection, bot, 10_000, *range(0, 151, 30))
    row: dict[str, Any] = {"session_id": bot, "entry_price": 100, "quantity": 100, "stop_loss": 1}
    await insert(connection, "positions", **row, entry_time=at(100), current_price=79.5, last_update=calendar.now)
    found = []
    for _ in range(2):
        async with dashboard(database_url, followed=False, clock=calendar.clock) as page:
            found.append(await since(page, "drawdown_limit"))
            calendar.wait(60)
            await connection.execute("UPDATE positions SET last_update = $1", calendar.now)
            found.append(await since(page, "drawdown_limit"))
    assert found == [(None, "drawdown 20.50 %, the limit is 20 %; no snapshot shows it yet")] * 4
    async with dashboard(database_url, followed=False, clock=calendar.clock) as page:
        await insert(connection, "account_history", session_id=bot, timestamp=calendar.now, balance=10_000, equity=7950,
                     total_pnl=1)  # fmt: skip
        assert await since(page, "drawdown_limit") == (calendar.now, "drawdown 20.50 %, the limit is 20 %")
