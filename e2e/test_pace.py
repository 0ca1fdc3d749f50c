"""How soon and how often an open page fetches: a trade at once, prices now and then, a crowd spread over some time."""

from itertools import pairwise

import asyncpg
import pytest
from playwright.async_api import Page, expect

from e2e.conftest import WHOLE_PAGE, OpenPage, closed, until_live
from tests.rows import insert, now
from tests.running import Dashboard
from tests.waiting import waiting

FETCHES = """
performance.getEntriesByType('resource').filter(entry => entry.name.includes('/partials?'))
  .map(entry => entry.startTime)
"""
SCROLL_GAP_MILLISECONDS = 1000
SAVE_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } });"
A_CROWD = """
Math.random = () => 0.5;
window.WebSocket = class extends WebSocket {
  set onmessage(act) {
    super.onmessage = event => act({ data: event.data.replace('42["stale",{', '42["stale",{"spread":600000,') });
  }
};
"""
"""What each signal says to one of 600,000 viewers, and the luck of this one."""


async def write_price(connection: asyncpg.Connection, price: int) -> None:
    await connection.execute("UPDATE positions SET current_price = $1, last_update = $2", price, now())


@pytest.mark.parametrize(("saving", "gap_milliseconds", "wanted"), [(False, 2000, 3), (True, 10_000, 2)])
async def test_prices_are_fetched_now_and_then(
    dashboard: Dashboard,
    open_page: OpenPage,
    connection: asyncpg.Connection,
    saving: bool,
    gap_milliseconds: int,
    wanted: int,
) -> None:
    page = await open_page("about:blank", viewport=WHOLE_PAGE)
    if saving:
        await page.add_init_script(SAVE_DATA)
    await page.goto(dashboard.url)
    await until_live(page)
    began, price = list[float](), 50_000
    async with waiting():
        while len(began) < wanted:
            price += 1
            await write_price(connection, price)
            began = await page.evaluate(FETCHES)
    # A request begins a little after the page decides; without a gap there would be four times as many.
    assert min(later - sooner for sooner, later in pairwise(began)) > gap_milliseconds / 2
    await expect(page.locator("#open_positions")).to_contain_text(f"{price:,}")


async def open_attentive(open_page: OpenPage, url: str, script: str) -> tuple[Page, list[str]]:
    """A page that is live, whose clock can be stopped, and the messages that reach it."""
    page, heard = await open_page("about:blank", viewport=WHOLE_PAGE), list[str]()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda message: heard.append(str(message))))
    await page.add_init_script(script)
    await page.clock.install()
    await page.goto(url)
    await until_live(page)
    return page, heard


async def stop_the_clock(page: Page) -> None:
    """From now on time passes in the page only when it is told to."""
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 1"))


async def heard_of(page: Page, section: str, heard: list[str]) -> None:
    async with waiting():
        while not any("stale" in message and f'"{section}"' in message for message in heard):
            await page.evaluate("0")


async def test_a_trade_is_fetched_at_once(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    """Whoever saves data gets it at once too, right after a price."""
    page, heard = await open_attentive(open_page, dashboard.url, SAVE_DATA)
    await write_price(connection, 51_234)
    await expect(page.locator("#open_positions")).to_contain_text("51,234")
    await stop_the_clock(page)
    heard.clear()
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    await heard_of(page, "realised", heard)
    await page.clock.run_for(100)
    await expect(closed(page, number)).to_be_attached()


async def test_a_crowd_comes_over_the_time_it_is_given(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page, heard = await open_attentive(open_page, dashboard.url, A_CROWD)
    await stop_the_clock(page)
    before = len(await page.evaluate(FETCHES))
    heard.clear()
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    await heard_of(page, "realised", heard)
    await page.clock.fast_forward("04:59")
    assert len(await page.evaluate(FETCHES)) == before
    await page.clock.run_for(2000)
    await expect(closed(page, number)).to_be_attached()


async def test_who_scrolls_fetches_once_a_second(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    """Everything is stale, and one section after the other comes into sight."""
    page = await open_page(dashboard.url, viewport={"width": 390, "height": 300})
    await until_live(page)
    await insert(connection, "trades", session_id=account, exit_time=now())
    await insert(connection, "orders", session_id=account, status="FAILED", created_at=now())
    at_the_end = page.locator("#engine_now", has_text="1 failed")
    async with waiting():
        while not await at_the_end.count():
            await page.mouse.wheel(0, 120)
            await page.evaluate("new Promise(requestAnimationFrame)")
    began = await page.evaluate(FETCHES)
    assert min(later - sooner for sooner, later in pairwise(began)) > SCROLL_GAP_MILLISECONDS / 2
