"""The page behind a real nginx, configured well and badly."""

import asyncpg
import pytest

from e2e.networks.transports import OpenPage, hears, reaches, uses
from e2e.nginx import Nginx
from tests.waiting import waiting

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_set_up_well(nginx: Nginx, open_page: OpenPage, connection: asyncpg.Connection, account: int) -> None:
    page = await open_page(nginx.url("plain"))
    await reaches(page, "ws", 3, "behind a good proxy: WebSocket")
    await uses(page, "ws")
    await hears(page, connection, account)


async def test_the_upgrade_refused(
    nginx: Nginx, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page()
    await page.goto(nginx.url("stripped"), wait_until="domcontentloaded")
    await reaches(page, "sse", 1, "upgrade refused: events", since="attempt")
    await uses(page, "sse")
    await hears(page, connection, account)


async def test_the_upgrade_swallowed(
    nginx: Nginx, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(nginx.url("swallowed"))
    await reaches(page, "sse", 3, "upgrade swallowed: events")
    await uses(page, "sse")
    await hears(page, connection, account)


async def test_events_held_back_and_compressed(nginx: Nginx, open_page: OpenPage) -> None:
    """It polls, and is sent the versions only when they differ."""
    page = await open_page(nginx.url("buffered"))
    await reaches(page, "poll", 8, "events held back: polling")
    await uses(page, "poll")
    async with waiting():
        while not any(line.startswith("304 GET /versions") for line in nginx.requests()):
            async with page.expect_response("**/versions?*"):
                await page.evaluate("dispatchEvent(new Event('online'))")
