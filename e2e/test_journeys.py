"""What the dashboard promises to the person who looks at it."""

import asyncpg
import pytest
from playwright.async_api import expect

from e2e.conftest import OpenPage, closed, look_at, until_live
from monitoring.sections import PAGES, custom
from monitoring.sections import Page as Tab
from tests.rows import insert, now
from tests.running import Dashboard, run_dashboard
from tests.secrets import SECRETS, TOKEN

PLAIN_PAGES = ("/bots", "/explain", "/docs", "/login", "/settings", "/trades/1", "/positions/1", "/table/trades")
PHONE = {"viewport": {"width": 390, "height": 844}}


async def test_a_committed_trade_appears_without_a_reload(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(dashboard.url)
    await until_live(page)
    await page.evaluate("window.notReloaded = true")
    await look_at(page, "activity")
    number = await insert(connection, "trades", session_id=account, symbol="DOGEUSDT", pnl=123, exit_time=now())
    await expect(closed(page, number)).to_contain_text("DOGEUSDT")
    assert await page.evaluate("window.notReloaded")


async def test_where_websockets_are_blocked_events_arrive_all_the_same(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int, browser: object
) -> None:
    page = await open_page("about:blank")
    await page.route_web_socket("**/socket.io/**", lambda socket: socket.close())
    await page.goto(dashboard.url)
    await expect(page.locator("html[data-live=sse]")).to_be_attached()
    await look_at(page, "activity")
    number = await insert(connection, "trades", session_id=account, pnl=5, exit_time=now())
    await expect(closed(page, number)).to_be_attached()


async def test_who_is_signed_out_is_asked_to_sign_in_again(
    open_page: OpenPage, connection: asyncpg.Connection, account: int, database_url: str
) -> None:
    protected = {"ENV": "production", **SECRETS}
    async with run_dashboard("--db-url", database_url, **protected) as running:
        page = await open_page(running.url)
        await page.get_by_label("token").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await until_live(page)
        await page.evaluate("fetch('/logout', { method: 'POST' })")  # as another tab would
        await insert(connection, "trades", session_id=account, exit_time=now())
        await expect(page.get_by_label("token")).to_be_visible()


@pytest.mark.parametrize("tab", PAGES, ids=lambda tab: tab.name)
async def test_without_scripts_a_page_is_whole(dashboard: Dashboard, open_page: OpenPage, tab: Tab) -> None:
    page = await open_page(f"{dashboard.url}{tab.path}", java_script_enabled=False)
    for section in (section for section in tab.sections if section is not custom.SECTION):
        await expect(page.locator(f"#{section.name}")).to_be_attached()


@pytest.mark.parametrize("width", [320, 1440])
async def test_nothing_overflows(dashboard: Dashboard, open_page: OpenPage, width: int) -> None:
    page = await open_page(dashboard.url, viewport={"width": width, "height": 844})
    for path in (*(tab.path for tab in PAGES), *PLAIN_PAGES):
        await page.goto(f"{dashboard.url}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path


async def test_the_demo_opens_and_moves(open_page: OpenPage, demo_dir: str) -> None:
    async with run_dashboard("--demo", "--demo-dir", demo_dir) as demo:
        page = await open_page(demo.url, **PHONE)
        await expect(page.get_by_text("DEMO").first).to_be_visible()
        await until_live(page)
        await look_at(page, "open_positions")
        before = await page.locator("#open_positions").inner_text()
        await expect(page.locator("#open_positions")).not_to_have_text(before)
