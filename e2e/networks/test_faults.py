"""A network that breaks while the page is live: the page notices, changes its transport, and changes back by itself."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from playwright.async_api import Page, Request, expect

from e2e.conftest import WHOLE_PAGE, look_at
from e2e.faultproxy import Cut, Drip, FaultProxy, Reset, Stall
from e2e.networks.transports import OpenPage, hears, hurry, mark, reaches, uses
from monitoring.sections import SECTIONS
from tests.rows import insert

pytestmark = pytest.mark.asyncio(loop_scope="package")

SOCKET, EVENTS, SECTIONS_OF = "/socket.io/", "/events", "/partials?"
LIBRARIES = "**/vendor/*.js*"
MUTED = "grayscale(1)"
TICKING = {section.name for section in SECTIONS if section.ticks is not None}


async def test_a_reset_connection_comes_back(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await live(open_page, faults.url)
    faults.fail(Reset())
    faults.heal()
    await reaches(page, "none", 3, "everything reset: noticed")
    await reaches(page, "ws", 5, "everything reset: WebSocket again")
    await hears(page, connection, account)


async def test_the_upgrade_is_refused_from_now_on(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await live(open_page, faults.url)
    faults.fail(Reset(), SOCKET)
    await reaches(page, "sse", 1, "WebSocket lost and refused: events")
    await hears(page, connection, account)
    faults.heal()
    await mark(page)
    await reaches(page, "ws", 8, "WebSocket allowed again: back by itself")
    await uses(page, "ws")


async def test_the_upgrade_is_swallowed_from_now_on(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await live(open_page, faults.url)
    faults.fail(Reset(), SOCKET)
    faults.fail(Stall(), SOCKET)
    await reaches(page, "sse", 3, "WebSocket lost and swallowed: events")
    await hears(page, connection, account)


async def test_events_stall_too(faults: FaultProxy, open_page: OpenPage) -> None:
    page = await live(open_page, faults.url)
    faults.fail(Reset(), SOCKET)
    faults.fail(Stall(), SOCKET, EVENTS)
    await reaches(page, "poll", 8, "WebSocket and events stalled: polling")
    await uses(page, "poll")
    faults.heal()
    await mark(page)
    await reaches(page, "ws", 10, "from polling to WebSocket by itself")


async def test_a_line_that_swallows_everything_is_noticed(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    """On every transport, whoever closes nothing: the page says since when, mutes its figures, and heals by itself."""
    pages = {"ws": await open_page(faults.url), "sse": await open_page(), "poll": await open_page()}
    await pages["sse"].route(LIBRARIES, lambda route: route.abort())
    await hurry(pages["sse"], **{"sse-retry": 2000})
    await pages["poll"].add_init_script("delete window.EventSource; delete window.WebSocket;")
    for transport, page in pages.items():
        if transport != "ws":
            await page.goto(faults.url, wait_until="domcontentloaded")
        await reaches(page, transport)
        await look_at(page, "activity")
        await page.evaluate("window.notReloaded = true")
    faults.fail(Stall())
    await asyncio.gather(*(mark(page) for page in pages.values()))
    for transport, page in pages.items():
        await reaches(page, "silent", 15, f"{transport} swallowed: said")
        await expect(page.locator(".link-lost")).to_have_text(re.compile(r"^not updating for \d+\ss$"))
        await expect(page.locator(".link-lost")).to_be_visible()
        await expect(page.locator(".link-live")).to_be_hidden()
        await expect(page.locator("main")).to_have_css("filter", MUTED)
    faults.fail(Reset())
    faults.heal()
    await asyncio.gather(*(mark(page) for page in pages.values()))
    for transport, page in pages.items():
        await reaches(page, transport, 20, f"{transport} passes again")
        await hears(page, connection, account)
        await expect(page.locator(".link-lost")).to_be_hidden()
        await expect(page.locator("main")).to_have_css("filter", "none")
        assert await page.evaluate("window.notReloaded")


async def test_what_changed_meanwhile_is_fetched_and_nothing_else(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(faults.url, viewport=WHOLE_PAGE)
    await reaches(page, "ws")
    await mark(page)
    faults.fail(Reset())
    await reaches(page, "none", 3, "nothing passes: noticed")
    await insert(connection, "system_events", session_id=account, severity="warning", message="said while nobody heard")
    changed, fetched = {"activity", "engine_now", "state"}, list[str]()
    page.on("request", lambda request: fetched.extend(sections_of(request)))
    faults.heal()
    await reaches(page, "ws", 8, "everything passes again: WebSocket")
    await expect(page.locator("#activity")).to_contain_text("said while nobody heard")
    assert changed <= set(fetched) <= changed | TICKING
    assert sorted(set(fetched) - TICKING) == sorted(section for section in fetched if section not in TICKING)


@pytest.mark.parametrize("libraries", [True, False], ids=["htmx", "no-htmx"])
async def test_a_section_cut_short_is_fetched_again(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int, libraries: bool
) -> None:
    page = await open_page()
    if not libraries:
        await page.route(LIBRARIES, lambda route: route.abort())
    await hurry(page, retry=500)
    await page.goto(faults.url, wait_until="domcontentloaded")
    await reaches(page, "ws" if libraries else "sse")
    await look_at(page, "activity")
    faults.fail(Cut(after=300), SECTIONS_OF)
    words = f"cut short {libraries}"
    await insert(connection, "system_events", session_id=account, severity="warning", message=words)
    await expect(page.locator("#activity.old")).to_be_attached()
    faults.heal()
    await expect(page.locator("#activity")).to_contain_text(words)
    await expect(page.locator("#activity.old")).not_to_be_attached()


async def test_a_slow_line_is_live_all_the_same(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    faults.fail(Drip(rate=40_000))
    page = await open_page(faults.url)
    await reaches(page, "ws", 8, "40 kB/s: WebSocket")
    await hears(page, connection, account)


async def live(open_page: OpenPage, url: str) -> Page:
    """A page on its best transport, and a mark from which to measure."""
    page = await open_page(url)
    await reaches(page, "ws")
    await mark(page)
    return page


def sections_of(request: Request) -> list[str]:
    return parse_qs(urlsplit(request.url).query).get("names", [""])[0].split(",") if SECTIONS_OF in request.url else []
