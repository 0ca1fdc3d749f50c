"""A database whose engine stamps rows in local time: that is said, and nothing is called silent for it."""

from datetime import timedelta
from typing import Any

import pytest

from tests.bots.life import NOW, Life, ago
from tests.faults.page import Page
from tests.rows import insert

BEHIND = timedelta(hours=7)


@pytest.fixture
async def trading(life: Life) -> Life:
    """A bot that writes every half hour, and wrote just now; its role's zone is seven hours behind UTC."""
    await behind(life)
    await life.session(ago(days=9), 10_000)
    await life.history(1, NOW - BEHIND, *[10_000] * 20)
    return life


async def behind(life: Life) -> None:
    name = await life.connection.fetchval("SELECT current_database()")
    await life.connection.execute(f"ALTER DATABASE \"{name}\" SET timezone TO 'America/Phoenix'")


async def said(page: Page) -> tuple[str, list[str]]:
    status: Any = await page.json("/api/status")
    return status["state"], [alert["code"] for alert in await page.json("/api/alerts")]


async def test_between_two_rows_too(trading: Life) -> None:
    async with trading.opened() as page:
        assert await said(page) == ("Online", ["time_zone"])
        trading.calendar.wait(20 * 60)
        assert await said(page) == ("Online", ["time_zone"])


async def test_an_engine_that_stops_is_silent_all_the_same(trading: Life) -> None:
    async with trading.opened() as page:
        assert await said(page) == ("Online", ["time_zone"])
        trading.calendar.wait(3 * 3600 + 300)
        assert await said(page) == ("Offline", ["engine_silent"])


async def test_over_as_soon_as_rows_are_of_utc(trading: Life) -> None:
    async with trading.opened() as page:
        assert await said(page) == ("Online", ["time_zone"])
        trading.calendar.wait(20 * 60)
        await trading.history(1, trading.calendar.now, 10_000)
        await page.parts.feed.caught_up()
        assert await said(page) == ("Online", [])


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("strategy_executions", {"timestamp": NOW - BEHIND}),
        ("trades", {"created_at": NOW - BEHIND}),
        ("positions", {"last_update": NOW - BEHIND, "stop_loss": 1, "current_price": 50_000}),
        ("system_events", {"timestamp": NOW - BEHIND}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_shown_by_whatever_the_engine_writes(life: Life, table: str, columns: dict[str, object]) -> None:
    await behind(life)
    bot = await life.session(ago(days=9), 10_000)
    await insert(life.connection, table, session_id=bot, **columns)
    async with life.opened() as page:
        assert await said(page) == ("Online", ["time_zone"])


async def test_shown_by_a_bot_that_writes_more_often(trading: Life) -> None:
    """A dashboard that starts between two rows of the one knows the zone from the other."""
    often = await trading.session(ago(days=3), 500, "other", mode="PAPER", symbol="ETHUSDT")
    trading.calendar.forward(minutes=20)
    await trading.history(often, trading.calendar.now - BEHIND, 500)
    async with trading.opened() as page:
        assert await said(page) == ("Online", ["time_zone"])


async def test_another_bot_in_local_time_is_not_silent(life: Life) -> None:
    """The engine of the one writes UTC, that of the other local time."""
    await behind(life)
    for strategy, newest in (("utc", NOW), ("local", NOW - BEHIND)):
        bot = await life.session(ago(days=9), 10_000, strategy, symbol=strategy)
        await life.history(bot, newest, *[10_000] * 20)
        await insert(
            life.connection, "positions", session_id=bot, stop_loss=1, current_price=50_000, last_update=newest
        )
    async with life.opened() as page:
        (alert,) = await page.json("/api/alerts?bot=1")
        assert (alert["code"], alert["severity"], alert["text"]) == ("another_live_bot", "info", "bot 2 is LIVE too")
