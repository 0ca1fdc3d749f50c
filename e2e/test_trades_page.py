"""The page of closed trades in a browser: on a phone without scripts, and live."""

import asyncpg
from playwright.async_api import Browser, expect

from e2e.conftest import OpenPage, until_live
from tests.rows import insert, now
from tests.running import Dashboard

PHONE = {"width": 390, "height": 844}
MIN_TARGET_PIXELS = 44


async def test_a_phone_filters_and_sorts_without_scripts(
    dashboard: Dashboard, account: int, browser: Browser, open_page: OpenPage
) -> None:
    # A page that has no scripts does not come back by itself from a database that was slow to answer.
    await expect((await open_page(f"{dashboard.url}/trades")).locator("#trade_list table")).to_be_visible()
    page = await browser.new_page(viewport=PHONE, java_script_enabled=False)
    await page.goto(f"{dashboard.url}/trades")
    won = page.locator("#trade_filter").get_by_role("link", name="Won", exact=True)
    await expect(won).to_be_hidden()
    await page.get_by_role("link", name="Filter: all results").click()
    await won.click()
    await page.locator("#trade_filter").get_by_role("link", name="Net", exact=True).click()
    await expect(page.locator("#trade_list h2")).to_contain_text("largest gain first")
    await expect(page.locator("#trade_filter .selection")).to_contain_text("26")
    row = page.locator("#trade_list tbody tr").first
    box = await row.bounding_box()
    assert box is not None
    assert box["height"] >= MIN_TARGET_PIXELS
    await row.click(position={"x": box["width"] - 5, "y": box["height"] - 5})
    await page.wait_for_url(f"**/trades/*?bot={account}")
    await page.close()


async def test_a_selection_is_live_and_a_form_stays(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(f"{dashboard.url}/trades?outcome=win&closed=dates")
    await until_live(page)
    count = page.locator("#trade_filter .selection dd").first
    await expect(count).to_have_text("26")
    await page.get_by_label("From").fill("2026-01-31")
    lost = await insert(connection, "trades", session_id=account, pnl=-10, commission=0, exit_time=now())
    won = await insert(connection, "trades", session_id=account, pnl=10, commission=0, exit_time=now())
    await expect(count).to_have_text("27")
    await expect(page.locator("#trade_list tbody tr[id]").first).to_have_attribute("id", f"trade-{won}")
    await expect(page.locator(f"#trade-{lost}")).to_have_count(0)
    await expect(page.get_by_label("From")).to_have_value("2026-01-31")
    await expect(page.get_by_label("From")).to_be_focused()
