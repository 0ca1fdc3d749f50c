"""What the dashboard promises to the person who looks at it."""

import asyncpg
import pytest
from playwright.async_api import expect

from e2e.conftest import OpenPage, look_at, until_live
from monitoring.sections import PAGES, custom
from tests.rows import insert, now
from tests.running import Dashboard, run_dashboard
from tests.secrets import SECRETS, TOKEN

PHONE = {"viewport": {"width": 390, "height": 844}}


async def test_a_committed_trade_appears_without_a_reload(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(dashboard.url)
    await until_live(page)
    await page.evaluate("window.notReloaded = true")
    await look_at(page, "trades")
    number = await insert(connection, "trades", session_id=account, symbol="DOGEUSDT", pnl=123, exit_time=now())
    await expect(page.locator(f"#trade-{number}")).to_contain_text("DOGEUSDT")
    await look_at(page, "performance")
    await expect(page.locator("#performance")).to_contain_text("41")
    assert await page.evaluate("window.notReloaded")


async def test_where_websockets_are_blocked_events_arrive_all_the_same(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int, browser: object
) -> None:
    page = await open_page("about:blank")
    await page.route_web_socket("**/socket.io/**", lambda socket: socket.close())
    await page.goto(dashboard.url)
    await expect(page.locator("html[data-live=sse]")).to_be_attached()
    await look_at(page, "trades")
    number = await insert(connection, "trades", session_id=account, pnl=5, exit_time=now())
    await expect(page.locator(f"#trade-{number}")).to_be_attached()


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


async def test_without_scripts_the_page_is_whole(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page(dashboard.url, java_script_enabled=False)
    for section in (section for section in PAGES[0].sections if section is not custom.SECTION):
        await expect(page.locator(f"#{section.name}")).to_be_attached()
    await expect(page.locator("#trades tbody tr")).to_have_count(25)
    await page.get_by_role("link", name="Older").click()
    await expect(page.locator("#trades tbody tr")).to_have_count(15)


async def test_the_run_grows_longer_on_an_open_page(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page("about:blank")
    await page.clock.install()
    await page.goto(dashboard.url)
    before = await page.locator("#run").inner_text()
    await expect(page.locator("#scope")).to_contain_text(f"this run {before}")
    await page.clock.fast_forward(3 * 86_400_000)
    await expect(page.locator("#run")).to_have_text(f"{int(before.split()[0]) + 3}\u00a0d")


@pytest.mark.parametrize(
    "width", [320, 1440, *(pytest.param(width, marks=pytest.mark.audit) for width in (390, 768, 1024, 2560))]
)
async def test_nothing_overflows(dashboard: Dashboard, open_page: OpenPage, width: int) -> None:
    page = await open_page(dashboard.url, viewport={"width": width, "height": 844})
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_an_opened_position_stays_open_and_up_to_date(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(dashboard.url, **PHONE)
    await until_live(page)
    toggle, details = page.locator("#position-1-toggle"), page.locator("#position-1 .more")
    await toggle.click()
    await expect(details).to_contain_text("Best so far")
    await expect(toggle).to_be_focused()
    await connection.execute("UPDATE positions SET current_price = 51234, last_update = $1", now())
    await expect(page.locator("#positions")).to_contain_text("51,234")
    await insert(connection, "orders", session_id=account, position_id=1, price=48_765, created_at=now())
    await expect(details).to_contain_text("48,765")
    await page.reload()
    await expect(details).to_contain_text("48,765")
    await toggle.click()
    await expect(details).not_to_be_attached()


async def test_an_opened_position_outlives_other_links(dashboard: Dashboard, open_page: OpenPage) -> None:
    """Another range is a page of its own; older trades come into this one, and the address names both."""
    page = await open_page(dashboard.url)
    await until_live(page)
    details = page.locator("#position-1 .more")
    await page.locator("#position-1-toggle").click()
    await expect(details).to_be_attached()
    await page.get_by_role("link", name="7d").click()
    await expect(page.locator(".tabs [aria-current]")).to_have_text("7d")
    await expect(details).to_contain_text("Best so far")
    await page.get_by_role("link", name="Older trades").click()
    await expect(page.locator("#trades tbody tr")).to_have_count(15)
    await page.reload()
    await expect(details).to_contain_text("Best so far")
    await expect(page.locator("#trades tbody tr")).to_have_count(15)


async def test_without_scripts_a_link_opens_a_position(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page(dashboard.url, java_script_enabled=False)
    await page.locator("#position-1-toggle").click()
    await expect(page.locator("#position-1 .more")).to_contain_text("Best so far")
    await expect(page.locator("#position-1")).to_be_in_viewport()


async def test_what_a_reader_unfolded_stays_unfolded(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(dashboard.url)
    await until_live(page)
    await page.locator("#execution-orders summary").click()
    await insert(connection, "orders", session_id=account, status="FAILED", created_at=now())
    await expect(page.locator("#execution-orders")).to_contain_text("50.00")
    await expect(page.locator("#execution-orders")).to_have_attribute("open", "")


async def test_the_demo_opens_and_moves(open_page: OpenPage, demo_dir: str) -> None:
    async with run_dashboard("--demo", "--demo-dir", demo_dir) as demo:
        page = await open_page(demo.url, **PHONE)
        await expect(page.get_by_text("DEMO").first).to_be_visible()
        await until_live(page)
        await look_at(page, "positions")
        before = await page.locator("#positions").inner_text()
        await expect(page.locator("#positions")).not_to_have_text(before)
