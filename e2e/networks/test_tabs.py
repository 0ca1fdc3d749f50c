"""Many tabs, and hidden tabs: a browser opens six HTTP/1.1 connections to a host, which must suffice for all."""

import asyncio

import asyncpg
import pytest
from playwright.async_api import expect

from e2e.conftest import closed, look_at
from e2e.networks.transports import OpenPage, hears, mark, reaches
from e2e.nginx import Nginx
from tests.rows import insert, now

pytestmark = pytest.mark.asyncio(loop_scope="package")

TABS = 10
STREAMS = 4


@pytest.mark.audit
async def test_ten_tabs_do_not_starve_each_other(
    nginx: Nginx, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    """Where WebSockets are refused four tabs stream, and the others poll about every five seconds."""
    first = await open_page(nginx.url("stripped"))
    tabs = [first] + [await open_page(nginx.url("stripped"), beside=first) for _ in range(TABS - 1)]
    live = [expect(tab.locator("html:not([data-live=none])")).to_be_attached() for tab in tabs]
    await asyncio.gather(*live)
    transports = [await tab.get_attribute("html", "data-live") for tab in tabs]
    assert (transports.count("sse"), transports.count("poll")) == (STREAMS, TABS - STREAMS)
    for tab in tabs:
        await look_at(tab, "activity")
    number = await insert(connection, "trades", session_id=account, pnl=3, exit_time=now())
    shown = [expect(closed(tab, number)).to_be_attached() for tab in tabs]
    await asyncio.gather(*shown)
    answered = await tabs[-1].evaluate("fetch('/health').then(response => response.status)")
    assert answered == 200


@pytest.mark.parametrize(("site", "transport"), [("plain", "ws"), ("stripped", "sse")])
async def test_a_tab_out_of_sight_closes_its_line(
    nginx: Nginx, open_page: OpenPage, connection: asyncpg.Connection, account: int, site: str, transport: str
) -> None:
    page = await open_page(nginx.url(site))
    await reaches(page, transport)
    await mark(page)
    await look_at(page, "activity")
    await page.evaluate(HIDE, True)
    await reaches(page, "none", 1, f"out of sight: {transport} closed")
    number = await insert(connection, "trades", session_id=account, pnl=3, exit_time=now())
    await mark(page)
    await page.evaluate(HIDE, False)
    await reaches(page, transport, 2, f"in sight again: {transport}")
    await expect(closed(page, number)).to_be_attached()
    await hears(page, connection, account)


# The browser under test shows every tab; what a hidden one is told is told by hand.
HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
