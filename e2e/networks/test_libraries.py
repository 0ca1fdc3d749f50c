"""The libraries' host may refuse, hang or lie: the page is live all the same, and never runs a changed library."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from e2e.networks.transports import OpenPage, hears, hurry, reaches, uses
from monitoring.assets import LIBRARIES
from monitoring.resources import resource_dir
from tests.running import Dashboard, run_dashboard

pytestmark = pytest.mark.asyncio(loop_scope="package")

Answer = Callable[[Route], Awaitable[None]]
CDN = "https://cdn.jsdelivr.net/**"
CORS = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}
GENUINE = {
    library.cdn_url: (resource_dir("static") / "vendor" / library.file).read_bytes()
    for library in LIBRARIES
    if (resource_dir("static") / "vendor" / library.file).is_file()
}
needs_copies = pytest.mark.skipif(len(GENUINE) < len(LIBRARIES), reason="no local copies: make vendor")


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def cdn_dashboard(account: int, database_url: str) -> AsyncIterator[Dashboard]:
    async with run_dashboard("--db-url", database_url, MONITORING_ASSETS="cdn") as running:
        yield running


async def refuse(route: Route) -> None:
    await route.abort("connectionrefused")


async def hang(route: Route) -> None:
    """Answers no request."""


async def serve(route: Route) -> None:
    await route.fulfill(headers=CORS, body=GENUINE[route.request.url])


async def tamper(route: Route) -> None:
    await route.fulfill(headers=CORS, body=b"window.tampered = true;" + GENUINE.get(route.request.url, b""))


@needs_copies
async def test_the_cdn_serves(
    cdn_dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page()
    await page.route(CDN, serve)
    await page.goto(cdn_dashboard.url, wait_until="domcontentloaded")
    await reaches(page, "ws", 3, "libraries from the CDN: WebSocket")
    assert await page.evaluate("typeof htmx") == "object"
    await hears(page, connection, account)


@pytest.mark.parametrize("answer", [refuse, tamper, hang], ids=lambda answer: answer.__name__)
async def test_the_cdn_fails(
    cdn_dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int, answer: Answer
) -> None:
    page = await open_page()
    await page.route(CDN, answer)
    await page.goto(cdn_dashboard.url, wait_until="domcontentloaded")
    await reaches(page, "sse", 3, f"CDN that would {answer.__name__}: events")
    await uses(page, "sse")
    await hears(page, connection, account)
    assert await page.evaluate("[typeof htmx, typeof io, typeof tampered]") == ["undefined"] * 3


@needs_copies
async def test_a_late_library_is_taken_up(
    cdn_dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page, arrived = await open_page(), asyncio.Event()

    async def late(route: Route) -> None:
        await arrived.wait()
        await serve(route)

    await page.route(CDN, late)
    await page.goto(cdn_dashboard.url, wait_until="domcontentloaded")
    await reaches(page, "sse", 3, "CDN slow: events first")
    await hears(page, connection, account)
    arrived.set()
    await reaches(page, "ws", 6, "CDN slow: WebSocket once it has answered")
    # What was fetched before the library came may replace what it has taken up: the next change is its own.
    await hears(page, connection, account)
    await expect(page.locator("[data-htmx-powered]").first).to_be_attached()


async def test_without_events_and_libraries_it_polls(
    cdn_dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    """An old browser behind a strict firewall."""
    page = await open_page()
    await page.route(CDN, refuse)
    await page.add_init_script("delete window.EventSource; delete window.WebSocket;")
    await hurry(page, poll=1000)
    await page.goto(cdn_dashboard.url, wait_until="domcontentloaded")
    await reaches(page, "poll", 3, "no WebSocket, no events, no library: polling")
    await hears(page, connection, account)


@needs_copies
async def test_local_copies_ask_nobody_else(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(dashboard.url, wait_until="load")
    await reaches(page, "ws", 3, "local copies: WebSocket")
    assert [url for url in asked if not url.startswith((dashboard.url, "data:"))] == []


async def test_the_page_brings_one_script(cdn_dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page(java_script_enabled=False)
    await page.goto(cdn_dashboard.url)
    assert await scripts(page) == ["/static/js/live.js"]


async def scripts(page: Page) -> list[str]:
    """Those that a browser would run."""
    found = await page.locator("script:not([type='text/plain'])").all()
    sources = [await script.get_attribute("src") or "inline" for script in found]
    return [source.partition("?")[0] for source in sources]
