"""Which sections an open page fetches, when, and what it says of a bot that is gone."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from playwright.async_api import Page, Route, expect

from e2e.conftest import WHOLE_PAGE, OpenPage, closed, look_at, until_live
from tests.rows import ago, insert, now
from tests.running import Dashboard
from tests.waiting import waiting

FETCHES = """
performance.getEntriesByType('resource').filter(entry => entry.name.includes('/partials?'))
  .map(entry => [entry.startTime, entry.name])
"""
FETCH = "**/partials?*"
NO_WEBSOCKETS = "delete window.WebSocket;"


async def fetches(page: Page) -> list[tuple[float, set[str]]]:
    """The requests for sections so far: when each began, in milliseconds, and which sections it asked for."""
    found = await page.evaluate(FETCHES)
    return [(began, set(parse_qs(urlsplit(url).query)["names"][0].split(","))) for began, url in found]


async def test_one_request_brings_all_that_changed(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(dashboard.url, viewport=WHOLE_PAGE)
    await until_live(page)
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    await expect(closed(page, number)).to_be_attached()
    _, names = next(fetch for fetch in await fetches(page) if "activity" in fetch[1])
    assert {"activity", "realised", "engine_now"} <= names


async def test_out_of_sight_is_fetched_when_it_scrolls_in(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(dashboard.url, viewport={"width": 390, "height": 500})
    await until_live(page)
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    async with waiting():
        while not await fetches(page):
            await page.wait_for_load_state("networkidle")
    assert not any("activity" in names for _, names in await fetches(page))
    await look_at(page, "activity")
    await expect(closed(page, number)).to_be_attached()


async def test_without_an_observer_everything_is_in_sight(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page("about:blank")
    await page.add_init_script("delete window.IntersectionObserver;")
    await page.goto(dashboard.url)
    await until_live(page)
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    await expect(closed(page, number)).to_be_attached()


@pytest.mark.parametrize(("status", "body"), [(200, "<h1>Welcome to our network</h1>"), (404, "no backend"), (502, "")])
async def test_what_somebody_else_answers_is_asked_again(
    dashboard: Dashboard,
    open_page: OpenPage,
    connection: asyncpg.Connection,
    account: int,
    status: int,
    body: str,
) -> None:
    page = await open_page(dashboard.url, viewport=WHOLE_PAGE)
    await until_live(page)
    await page.evaluate("window.notReloaded = true")
    await page.route(FETCH, lambda route: route.fulfill(status=status, body=body, content_type="text/html"))
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    await expect(page.locator("#activity.old")).to_be_attached()
    await page.unroute(FETCH)
    await expect(closed(page, number)).to_be_attached()
    await expect(page.locator(".old")).to_have_count(0)
    assert await page.evaluate("window.notReloaded")


async def test_a_section_that_takes_long_is_marked_until_it_comes(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(dashboard.url, viewport=WHOLE_PAGE)
    await until_live(page)
    late = {"activity"}

    async def slow(route: Route) -> None:
        body = await (response := await route.fetch()).text()
        for name in late:
            later = f'<template data-later="{name}"></template>'
            body = re.sub(rf'<section id="{name}".*?</section>', later, body, flags=re.S)
        await route.fulfill(response=response, body=body)

    await page.route(FETCH, slow)
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    await expect(page.locator("#activity.old")).to_be_attached()
    late.clear()
    await expect(closed(page, number)).to_be_attached()
    await expect(page.locator("#activity.old")).to_have_count(0)
    assert "activity" in (await fetches(page))[-1][1]


async def test_what_an_instance_behind_answers_is_asked_again(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    """It signals to nobody else when it has caught up."""
    page = await open_page(dashboard.url, viewport=WHOLE_PAGE)
    await until_live(page)
    before = await (await page.request.get(f"{dashboard.url}/partials/activity?bot={account}")).text()
    old = re.sub(
        r'class="card ', 'class="card old ', re.sub(r'data-hash="\w+"', 'data-hash="old"', before, count=1), count=1
    )
    seen = asyncio.Event()

    async def hold(route: Route) -> None:
        await seen.wait()
        await route.continue_()

    await page.route(FETCH, hold)
    await page.route(FETCH, lambda route: route.fulfill(body=old, content_type="text/html"), times=1)
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    await expect(page.locator("#activity.old")).to_be_attached()
    seen.set()
    await expect(closed(page, number)).to_be_attached()
    await expect(page.locator(".old")).to_have_count(0)


async def test_a_page_of_another_version_is_loaded_again(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    """While the dashboard is upgraded, one instance after the other."""
    page = await open_page(dashboard.url)
    await until_live(page)
    unknown = {"error": {"code": "unknown_section", "message": "status: expected one of others"}}
    await page.route(FETCH, lambda route: route.fulfill(status=404, json=unknown))
    async with page.expect_event("load"):
        await insert(
            connection, "system_events", session_id=account, severity="warning", message="anything", timestamp=now()
        )


@pytest.mark.parametrize("transport", ["ws", "sse"])
async def test_who_looks_at_a_bot_that_is_deleted_is_told(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, transport: str
) -> None:
    other = await insert(connection, "trading_sessions", mode="PAPER", strategy_name="old", end_time=ago(days=1))
    page = await open_page("about:blank")
    await page.clock.install()
    if transport == "sse":
        await page.add_init_script(NO_WEBSOCKETS)
    await page.goto(f"{dashboard.url}/?bot={other}")
    await expect(page.locator(f"html[data-live={transport}]")).to_be_attached()
    await connection.execute("DELETE FROM trading_sessions WHERE id = $1", other)
    await expect(page.get_by_role("alert")).to_contain_text("This bot is gone")
    await expect(page.locator(".link-lost")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    await page.clock.fast_forward("05:00")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.get_by_role("link", name="See other bots").click()
    await expect(page.locator("h1")).to_have_text("Bots")
    assert [url for url in asked if urlsplit(url).path in ("/partials", "/versions", "/events", "/socket.io/")] == []
