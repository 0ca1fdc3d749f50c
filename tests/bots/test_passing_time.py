"""A page that stays open while the engine is silent shows no more than one that is opened then."""

from datetime import timedelta

import pytest

from monitoring.reading import reader
from tests.bots.life import NOW, Life, ago
from tests.faults.page import Page, ageless
from tests.rows import insert


@pytest.fixture
async def trading(life: Life) -> Life:
    """A bot that writes every five minutes, with an open position and a trade of today."""
    await life.session(ago(days=9), 10_000)
    await life.history(1, ago(minutes=1), *[10_000] * 20, minutes=5)
    await life.history(1, ago(days=1), 9_000)
    at = {"entry_time": ago(hours=2), "exit_time": ago(hours=1)}
    await insert(life.connection, "trades", session_id=1, **at)
    price = {"current_price": 51_000, "unrealized_pnl": 20, "last_update": NOW}
    await insert(life.connection, "positions", session_id=1, quantity=0.02, **price)
    await insert(life.connection, "orders", session_id=1, position_id=1, created_at=ago(hours=2))
    await insert(life.connection, "system_events", session_id=1, severity="error", timestamp=ago(minutes=20))
    return life


async def sections(page: Page) -> dict[str, str]:
    return {name: ageless(await page.get(f"/partials/{name}?bot=1")) for name in page.parts.hub.sections}


@pytest.mark.parametrize("hours", [3, 10])
async def test_silence_makes_an_open_page_what_a_new_one_is(hours: int, trading: Life) -> None:
    async with trading.opened() as page:
        before = await sections(page)
        trading.calendar.wait(timedelta(hours=hours).total_seconds())
        async with trading.opened() as another:
            true = await sections(another)
        assert true["account_now"] != before["account_now"]
        assert await sections(page) == true


async def test_a_price_that_nobody_dated_is_said_beside_the_pnl(trading: Life) -> None:
    await trading.connection.execute("UPDATE positions SET last_update = NULL")
    async with trading.opened() as page:
        shown = await page.json("/api/metrics")
        assert shown["unrealized_pnl"] == 20
        why = "the price of BTCUSDT is of an unknown time"
        assert shown["reasons"]["unrealized_pnl"] == why
        assert why in await page.get("/partials/account_now?bot=1")


async def test_a_run_fallen_silent_is_followed_whoever_looks(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another strategy goes on with it, by which nobody knows before; and the default bot was asked for long ago."""
    monkeypatch.setattr(reader, "MAX_KEPT_SESSIONS", 1)
    for number, strategy in enumerate(("old", "new"), 1):
        await life.session(ago(days=number == 1, minutes=1), 10_000, strategy)
    await life.history(1, ago(minutes=2), *[10_000] * 20, minutes=5)
    async with life.opened() as page:
        assert len(await page.json("/api/bots")) == 2
        await page.json("/api/metrics?bot=2")
        async with life.later(page, hours=1):
            pass
        assert [bot["sessions"] for bot in await page.json("/api/bots")] == [[1, 2]]


async def test_daily_pnl_keeps_today_in_a_restart(life: Life) -> None:
    await life.session(ago(days=9), 10_000)
    await insert(life.connection, "trades", session_id=1, exit_time=ago(days=1))
    await life.history(1, ago(minutes=1), 10_000)
    today = f"<td>{NOW:%Y-%m-%d}</td>"
    async with life.opened() as page:
        assert today in await page.get("/table/daily_pnl?bot=1")
        async with life.later(page, seconds=30):
            await life.end(1, NOW)
        assert today in await page.get("/table/daily_pnl?bot=1")
        async with life.later(page, days=3):
            pass
        shown = await page.get("/table/daily_pnl?bot=1")
        assert today in shown
        assert f"{NOW + timedelta(days=1):%Y-%m-%d}" not in shown
