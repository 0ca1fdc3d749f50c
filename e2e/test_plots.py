"""Charts in a browser: readings by tap, key and dragged finger, pinned through updates; labels touch nothing."""

import asyncpg
import pytest
from playwright.async_api import Page, expect

from e2e.conftest import OpenPage, look_at, until_live
from tests.rows import insert, now
from tests.running import Dashboard

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
TOUCHING = """() => {
  const found = [];
  for (const plot of document.querySelectorAll('.plot')) {
    const texts = [...plot.querySelectorAll(':scope > svg text')].filter(text => text.checkVisibility());
    const boxes = texts.map(text => [text.textContent, text.getBoundingClientRect()]);
    for (let i = 0; i < boxes.length; i++) for (let k = 0; k < i; k++) {
      const [a, b] = [boxes[i][1], boxes[k][1]];
      // The box of a text is higher than its figures: 4 px less are what one sees.
      if (a.left < b.right && b.left < a.right && a.top + 4 < b.bottom && b.top + 4 < a.bottom)
        found.push(boxes[i][0] + ' touches ' + boxes[k][0]);
    }
    for (const [words, box] of boxes)
      if (box.right > innerWidth || box.left < 0) found.push(words + ' leaves the page');
  }
  return found;
}"""


def shown_reading(page: Page, section: str) -> str:
    return f"#{section} .readings input:checked ~ .reading"


@pytest.mark.parametrize("path", ["/", "/results", "/positions"])
async def test_labels_of_charts_touch_nothing(dashboard: Dashboard, open_page: OpenPage, path: str) -> None:
    page = await open_page(f"{dashboard.url}{path}?range=all")
    for width in (320, 390, 1024, 1440, 2560):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(TOUCHING) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_a_tap_pins_a_reading_without_scripts(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page(f"{dashboard.url}/", java_script_enabled=False, **PHONE)
    box = await page.locator("#curve .readings").bounding_box()
    assert box
    await page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(page.locator(shown_reading(page, "curve"))).to_have_css("opacity", "1")
    await expect(page.locator(shown_reading(page, "curve"))).to_contain_text("%")


async def test_arrows_step_through_readings(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page(f"{dashboard.url}/", java_script_enabled=False)
    await page.locator("#curve input").first.focus()
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    third = await page.locator("#curve .reading").nth(2).inner_text()
    await expect(page.locator(shown_reading(page, "curve"))).to_have_text(third)


async def test_a_finger_drags_along_the_curve(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page(f"{dashboard.url}/", **PHONE)
    drag = """share => {
      const field = document.querySelector('#curve .readings'), box = field.getBoundingClientRect();
      field.dispatchEvent(new PointerEvent('pointermove', { pointerType: 'touch', bubbles: true,
        clientX: box.left + share * box.width, clientY: box.top + 5 }));
    }"""
    first, last = page.locator("#curve .reading").first, page.locator("#curve .reading").last
    for share, expected in ((0.001, first), (0.999, last)):
        await page.evaluate(drag, share)
        await expect(page.locator(shown_reading(page, "curve"))).to_have_text(await expected.inner_text())


async def test_a_pinned_reading_survives_an_update(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    page = await open_page(f"{dashboard.url}/")
    await until_live(page)
    await look_at(page, "curve")
    await page.locator("#curve .readings label").nth(5).click()
    before = await page.locator("#curve .last").text_content()
    for table in ("account_history", "account_balances"):
        column = {"account_history": "balance", "account_balances": "total_balance"}[table]
        moment = {"account_history": "timestamp", "account_balances": "last_updated"}[table]
        await insert(connection, table, session_id=account, **{column: 54_321, moment: now()})
    await expect(page.locator("#curve .last")).not_to_have_text(before or "")
    assert (
        await page.locator("#curve .readings input:checked").evaluate(
            "input => [...document.querySelectorAll('#curve .readings input')].indexOf(input)"
        )
        == 5
    )
