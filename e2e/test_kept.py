"""What a reader has in hand survives updates: focus and caret, selected words, the scroll, what was opened."""

import asyncpg
from playwright.async_api import Page, expect

from e2e.conftest import OpenPage, until_live
from tests.rows import ago, insert, now
from tests.running import Dashboard
from tests.stories import opened

PHONE = {"viewport": {"width": 390, "height": 844}}
SELECT = """selector => {
  const element = document.querySelector(selector);
  getSelection().selectAllChildren(element);
  return getSelection().toString();
}"""


async def selection(page: Page) -> str:
    return str(await page.evaluate("getSelection().toString()"))


async def test_what_is_typed_into_the_filter_stays(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    for number in range(12):
        await insert(connection, "trades", session_id=account, symbol=f"M{number}USDT", exit_time=ago(days=1))
    page = await open_page(f"{dashboard.url}/trades?filter=open")
    await until_live(page)
    field = page.get_by_label("Another").first
    await field.press_sequentially("BTCDOM")
    await field.press("ArrowLeft")
    caret = "element => [document.activeElement === element, element.value, element.selectionStart]"
    count = page.locator("#trade_filter dd").first
    before = await count.inner_text()
    await insert(connection, "trades", session_id=account, exit_time=now())
    await expect(count).not_to_have_text(before)
    assert await field.evaluate(caret) == [True, "BTCDOM", 5]


async def test_words_stay_selected_and_the_page_where_it_is(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(f"{dashboard.url}/", **PHONE)
    await until_live(page)
    await page.locator("#activity").scroll_into_view_if_needed()
    chosen = await page.evaluate(SELECT, "#activity h2")
    place = await page.locator("#activity").evaluate("section => section.getBoundingClientRect().top")
    number = await insert(connection, "trades", session_id=account, symbol="DOGEUSDT", exit_time=now())
    await expect(page.locator(f'#activity a[href*="/trades/{number}?"]')).to_be_attached()
    assert await selection(page) == chosen
    assert await page.locator("#activity").evaluate("section => section.getBoundingClientRect().top") == place


async def test_focus_stays_on_a_link_whose_line_changes(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(f"{dashboard.url}/positions")
    await until_live(page)
    line = page.locator("#all_positions .position").first
    await line.focus()
    before = await line.inner_text()
    await connection.execute("UPDATE positions SET current_price = 52345, last_update = $1", now())
    await expect(line).not_to_have_text(before)
    await expect(line).to_be_focused()


async def test_opened_reasons_stay_open(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    position = await opened(connection, account)
    await connection.execute(
        """UPDATE strategy_executions SET reasons = '["close to support"]' WHERE reasons IS NOT NULL"""
    )
    page = await open_page(f"{dashboard.url}/positions/{position}")
    await until_live(page)
    reasons = page.locator("#story details").first
    await reasons.locator("summary").click()
    await connection.execute("UPDATE positions SET current_price = 91, last_update = $1", now())
    await expect(page.locator("#story .title")).to_contain_text("−18.00")
    assert await reasons.evaluate("details => details.open")
