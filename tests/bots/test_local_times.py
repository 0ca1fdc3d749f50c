"""A database whose engine stamps rows in local time: that is said, and nothing is called silent for it."""

from datetime import timedelta
from typing import Any

import pytest

from tests.bots.life import NOW, Life, ago
from tests.faults.page import Page

BEHIND = timedelta(hours=7)


@pytest.fixture
async def trading(life: Life) -> Life:
    """A bot that writes every half hour, and wrote just now; its role's zone is seven hours behind UTC."""
    name = await life.connection.fetchval("SELECT current_database()")
    await life.connection.execute(f"ALTER DATABASE \"{name}\" SET timezone TO 'America/Phoenix'")
    await life.session(ago(days=9), 10_000)
    await life.history(1, NOW - BEHIND, *[10_000] * 20)
    return life


async def told(page: Page) -> tuple[str, list[str]]:
    status: Any = await page.json("/api/status")
    return status["state"], [alert["code"] for alert in await page.json("/api/alerts")]


async def test_between_two_rows_too(trading: Life) -> None:
    async with trading.opened() as page:
        assert await told(page) == ("Online", ["time_zone"])
        trading.calendar.wait(20 * 60)
        assert await told(page) == ("Online", ["time_zone"])


async def test_an_engine_that_stops_is_silent_all_the_same(trading: Life) -> None:
    async with trading.opened() as page:
        assert await told(page) == ("Online", ["time_zone"])
        trading.calendar.wait(3 * 3600 + 300)
        assert await told(page) == ("Offline", ["engine_silent"])


async def test_over_as_soon_as_rows_are_of_utc(trading: Life) -> None:
    async with trading.opened() as page:
        assert await told(page) == ("Online", ["time_zone"])
        trading.calendar.wait(20 * 60)
        await trading.history(1, trading.calendar.now, 10_000)
        await page.parts.feed.caught_up()
        assert await told(page) == ("Online", [])
