"""Whatever is broken, the page says so: its transport, how old its figures are, and that it is not updating."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import expect

from e2e.conftest import closed, look_at
from e2e.faultproxy import FaultProxy, Reset
from e2e.networks.transports import OpenPage, hears, hurry, mark, reaches, rewrite, uses
from tests.rows import insert, now
from tests.running import Dashboard, run_dashboard

pytestmark = pytest.mark.asyncio(loop_scope="package")

THIRTEEN_SECONDS_LATER = """
document.getAnimations().filter(each => each.timeline === document.timeline)
  .forEach(each => { each.currentTime = 13000; })
"""
AGE = "#engine_now dd.small time[data-age] >> nth=0"


@pytest_asyncio.fixture(loop_scope="package")
async def database(database_url: str) -> AsyncIterator[FaultProxy]:
    """A network between the dashboard and its database."""
    address = parse_qs(urlsplit(database_url).query)
    path = f"{address['host'][0]}/.s.PGSQL.{address['port'][0]}"
    async with FaultProxy(lambda: asyncio.open_unix_connection(path)) as proxy:
        yield proxy


@pytest_asyncio.fixture(loop_scope="package")
async def distant(account: int, database_url: str, database: FaultProxy) -> AsyncIterator[Dashboard]:
    """A dashboard whose database can be taken away."""
    name = urlsplit(database_url).path
    async with run_dashboard("--db-url", f"postgresql://postgres@127.0.0.1:{database.port}{name}") as running:
        yield running


async def test_the_database_is_away(
    distant: Dashboard, database: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page, polling = await open_page(distant.url), await open_page()
    await polling.add_init_script("delete window.EventSource; delete window.WebSocket;")
    await hurry(polling, poll=1000)
    await polling.goto(distant.url, wait_until="domcontentloaded")
    await reaches(page, "ws")
    await reaches(polling, "poll")
    lost = now()
    database.fail(Reset())
    for each, transport in ((page, "ws"), (polling, "poll")):
        await expect(each.locator("#state.old")).to_contain_text("cannot be read")
        await expect(each.locator(f"html[data-live={transport}]")).to_be_attached()
        await expect(each.locator(".link-live")).to_be_hidden()
        as_of = await each.locator("#risk_now .warn time").get_attribute("datetime")
        assert as_of
        assert datetime.fromisoformat(as_of).replace(tzinfo=None) <= lost
    database.heal()
    for each in (page, polling):
        await expect(each.locator("#state:not(.old)")).to_be_attached()
        await hears(each, connection, account)


async def test_ages_grow_while_nothing_passes(
    faults: FaultProxy, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(faults.url)
    await reaches(page, "ws")
    await insert(connection, "account_history", session_id=account, timestamp=now(), balance=10_000, total_pnl=1)
    await expect(page.locator(AGE)).to_have_text(re.compile(r"just now|\d\ss ago"))
    faults.fail(Reset())
    await uses(page, "none")
    await expect(page.locator(AGE)).to_have_text(re.compile(r"^([4-9]|\d\d)\ss ago"))


async def test_a_page_without_its_script_says_so(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page()
    await page.route("**/live.js*", lambda route: route.abort())
    await page.goto(dashboard.url, wait_until="domcontentloaded")
    await expect(page.locator("main")).to_have_css("filter", "none")
    await page.evaluate(THIRTEEN_SECONDS_LATER)
    await expect(page.locator(".link-lost")).to_be_visible()
    await expect(page.locator(".link-lost")).to_have_text("not updating")
    await expect(page.locator("main")).to_have_css("filter", "grayscale(1)")


async def test_a_change_before_the_first_signal_is_not_missed(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page()
    committed: list[int] = []

    async def meanwhile(html: str) -> str:
        committed.append(await insert(connection, "trades", session_id=account, pnl=1, exit_time=now()))
        assert f"/trades/{committed[0]}?" not in html
        return html

    await rewrite(page, meanwhile)
    await page.goto(dashboard.url, wait_until="domcontentloaded")
    await look_at(page, "activity")
    await expect(closed(page, committed[0])).to_be_attached()


async def test_somebody_elses_page_is_no_answer(dashboard: Dashboard, open_page: OpenPage) -> None:
    """A portal that answers everything with its own sign-in page."""
    page = await open_page()
    await page.add_init_script("delete window.EventSource; delete window.WebSocket;")
    await hurry(page, poll=500)
    await page.goto(dashboard.url, wait_until="domcontentloaded")
    await reaches(page, "poll")
    await page.route("**/versions?*", lambda route: route.fulfill(body="<h1>Welcome to our network</h1>"))
    await mark(page)
    await reaches(page, "none", 3, "a portal answers: noticed")
    await page.unroute("**/versions?*")
    await mark(page)
    await reaches(page, "poll", 6, "the portal lets it pass: polling")


async def test_the_plain_page_refreshes_itself(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(java_script_enabled=False)

    async def sooner(html: str) -> str:
        return html.replace('content="30"', 'content="1"')

    await rewrite(page, sooner)
    await page.goto(dashboard.url)
    await expect(page.locator(".link noscript")).to_be_visible()
    await hears(page, connection, account)
