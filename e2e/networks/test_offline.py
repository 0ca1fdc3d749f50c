"""The browser itself says that it has no network, and that it has one again."""

import asyncpg
import pytest
from playwright.async_api import expect

from e2e.conftest import WHOLE_PAGE
from e2e.networks.transports import OpenPage, hears, mark, reaches
from tests.rows import insert, now
from tests.running import Dashboard

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_browser_that_is_offline_says_so_at_once(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page, complaints = await open_page(viewport=WHOLE_PAGE), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    await page.clock.install()
    await page.goto(dashboard.url)
    await reaches(page, "ws")
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 1"))
    await page.context.set_offline(True)
    await expect(page.locator(".link-lost")).to_be_visible()
    await page.clock.resume()
    await insert(connection, "trades", session_id=account, exit_time=now())
    await mark(page)
    await page.context.set_offline(False)
    await reaches(page, "ws", 1, "online again: WebSocket")
    await hears(page, connection, account)
    await expect(page.locator(".link-lost")).to_be_hidden()
    assert [text for text in complaints if "htmx" in text] == []
