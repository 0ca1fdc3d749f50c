"""A trade stamped with the future counts, but not yet in what happened today or this week."""

from datetime import datetime, timedelta

import pytest

from tests.bots.life import NOW, Life, ago
from tests.rows import insert
from tests.words import words_of


@pytest.fixture
async def trading(life: Life) -> Life:
    await life.session(ago(days=9), 10_000)
    await life.history(1, ago(minutes=1), *[10_000] * 20, minutes=5)
    for pnl, at in ((7, ago(hours=1)), (20, NOW + timedelta(seconds=30)), (100, NOW + timedelta(hours=2))):
        await insert(life.connection, "trades", session_id=1, pnl=pnl, entry_time=ago(days=3), exit_time=at)
    return life


async def test_trades_of_the_future_are_in_no_window(trading: Life) -> None:
    await insert(trading.connection, "trades", session_id=1, pnl=1000, exit_time=NOW + timedelta(days=2))
    async with trading.opened() as page:
        for hours, today, week in ((0, 27, 27), (3, 127, 127), (24, 0, 127)):
            trading.calendar.wait(hours * 3600)
            shown = await page.json("/api/metrics")
            assert (shown["daily_pnl"], shown["weekly_pnl"], shown["total_pnl"]) == (today, week, 1127)


async def test_days_to_come_are_shown_where_they_have_a_trade(trading: Life) -> None:
    """The millions of days in between would take seconds."""
    await insert(trading.connection, "trades", session_id=1, exit_time=datetime(9999, 12, 31))
    await trading.end(1, NOW)
    async with trading.opened() as page:
        shown = words_of(await page.get("/partials/realised?bot=1&range=all"))
        assert "+127.00 3 trades" in shown
        assert "31 Dec 9999" in shown
        assert len((await page.json("/api/performance?bot=1&days=3650"))["days"]) == 2
