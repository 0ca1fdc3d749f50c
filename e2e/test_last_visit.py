"""What a browser does so that the dashboard knows when it was last looked at."""

import asyncpg
from playwright.async_api import BrowserContext, Page, expect

from e2e.conftest import OpenPage, until_live
from monitoring.clock import SYSTEM_CLOCK
from monitoring.web.visits import COOKIE
from tests.rows import ago, insert
from tests.running import Dashboard
from tests.waiting import until

HIDDEN = "Object.defineProperty(document, 'hidden', { get: () => !window.seen })"
"""A tab that is opened in the background: scripts run before it is ever seen."""


async def cookie(context: BrowserContext) -> str:
    return next((one.get("value", "") for one in await context.cookies() if one.get("name") == COOKIE), "")


async def come_back(page: Page, minutes: int) -> None:
    """As if the last visit of the browser had ended so long ago."""
    last = int(SYSTEM_CLOCK.since_1970() // 60) - minutes
    await page.context.add_cookies([{"name": COOKIE, "value": f"-{last}", "url": page.url}])
    await page.reload()


async def test_what_is_new_stays_new_through_refreshes(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    await insert(connection, "trades", session_id=account, symbol="NEWUSD", exit_time=ago(minutes=1))
    page = await open_page(f"{dashboard.url}/")
    await until_live(page)
    await until(lambda: cookie_is_set(page.context))
    await expect(page.locator("#activity .seen")).to_have_count(0)
    await come_back(page, minutes=120)
    for _ in range(2):
        await until_live(page)
        await expect(page.locator("#activity li:has-text('NEWUSD') ~ li.seen")).to_contain_text("You last looked")
        await expect(page.locator("#why")).to_contain_text("Since")
        await page.reload()


async def cookie_is_set(context: BrowserContext) -> bool:
    return bool(await cookie(context))


async def test_a_tab_in_the_background_sees_nothing(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page("about:blank")
    await page.add_init_script(HIDDEN)
    await page.goto(f"{dashboard.url}/")
    await expect(page.locator("#activity")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert await cookie(page.context) == ""
    await page.evaluate("window.seen = true; document.dispatchEvent(new Event('visibilitychange'))")
    await until(lambda: cookie_is_set(page.context))


async def test_without_scripts_a_page_is_looked_at(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page(f"{dashboard.url}/", java_script_enabled=False)
    await until(lambda: cookie_is_set(page.context))
