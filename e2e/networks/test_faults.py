"""A network that breaks while the page is live: the page notices, changes its transport, and changes back by itself."""

import asyncio

import asyncpg
import pytest
from playwright.async_api import Page, Request, expect

from e2e.faultproxy import Cut, Drip, FaultProxy, Reset, Stall
from e2e.networks.transports import OpenPage, hears, hurry, mark, reaches, uses
from monitoring.sections import SECTIONS
from tests.rows import insert
from tests.running import Dashboard

pytestmark = pytest.mark.asyncio(loop_scope="package")

SOCKET, EVENTS, SECTION = "/socket.io/", "/events", "/partials/"
LIBRARIES = "**/vendor/*.js*"
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


@pytest.mark.audit
async def test_a_frozen_connection_is_noticed(faults: FaultProxy, dashboard: Dashboard, open_page: OpenPage) -> None:
    """At the real times, over WebSocket and over events at once."""
    page = await live(open_page, faults.url)
    other = await open_page(beside=page)
    await other.route(LIBRARIES, lambda route: route.abort())
    await other.goto(faults.url, wait_until="domcontentloaded")
    await reaches(other, "sse")
    faults.fail(Stall())
    await asyncio.gather(mark(page), mark(other))
    # Longer than any other wait: the page itself waits for more than half a minute before it gives a silent line up.
    frozen = [expect(each.locator("html[data-passed~=none]")).to_be_attached(timeout=90_000) for each in (page, other)]
    await asyncio.gather(*frozen)
    await reaches(page, "none", 40, "frozen WebSocket: noticed")
    await reaches(other, "none", 40, "frozen events: noticed")
    faults.fail(Reset())
    faults.heal()
    await asyncio.gather(mark(page), mark(other))
    await asyncio.gather(
        reaches(page, "ws", 10, "thawed: WebSocket again"), reaches(other, "sse", 10, "thawed: events again")
    )


async def test_what_changed_meanwhile_is_fetched_and_nothing_else(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await live(open_page, faults.url)
    faults.fail(Reset())
    await reaches(page, "none", 3, "nothing passes: noticed")
    await insert(connection, "system_events", session_id=account, message="said while nobody heard")
    changed, fetched = {"events", "health", "status"}, list[str]()

    def complete(request: Request) -> bool:
        fetched.extend(section_of(request))
        return changed <= set(fetched)

    async with page.expect_request(complete):
        faults.heal()
    await reaches(page, "ws", 8, "everything passes again: WebSocket")
    await expect(page.locator("#events")).to_contain_text("said while nobody heard")
    assert sorted(set(fetched) - TICKING) == sorted(section for section in fetched if section not in TICKING)
    assert set(fetched) <= changed | TICKING


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
    faults.fail(Cut(after=700), SECTION)
    words = f"cut short {libraries}"
    await insert(connection, "system_events", session_id=account, message=words)
    await expect(page.locator("#events.old")).to_be_attached()
    faults.heal()
    await expect(page.locator("#events")).to_contain_text(words)
    await expect(page.locator("#events.old")).not_to_be_attached()


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


def section_of(request: Request) -> list[str]:
    path = request.url.partition(SECTION)[2]
    return [path.partition("?")[0]] if path else []
