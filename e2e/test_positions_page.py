"""Open positions in a browser: on a phone, at a desk, on a wall."""

import asyncpg
from playwright.async_api import expect

from e2e.conftest import OpenPage, until_live
from tests.rows import insert, now
from tests.running import Dashboard

PHONE = {"viewport": {"width": 390, "height": 844}}
WALL = {"viewport": {"width": 2560, "height": 1440}}
MIN_TARGET_PIXELS = 44


async def hold(connection: asyncpg.Connection, session: int, symbol: str) -> int:
    return await insert(connection, "positions", session_id=session, symbol=symbol, quantity=0.02, stop_loss=49_000,
                        current_price=49_500, last_update=now())  # fmt: skip


async def test_a_wall_shows_an_eighth_position_as_it_opens(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    for number in range(6):
        await hold(connection, account, f"M{number}USDT")
    wall, desk = await open_page(f"{dashboard.url}/", **WALL), await open_page(f"{dashboard.url}/")
    for page in (wall, desk):
        await until_live(page)
        await expect(page.locator(".position:visible")).to_have_count(7)
    await hold(connection, account, "M7USDT")
    await expect(wall.locator(".position:visible")).to_have_count(8)
    await expect(desk.locator("#open_positions")).to_contain_text("1 more")
    await expect(desk.locator(".position:visible")).to_have_count(7)


async def test_a_line_on_a_phone_is_a_large_link(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    number = await hold(connection, account, "1000000MOGUSDT_PERPX")
    page = await open_page(f"{dashboard.url}/positions", **PHONE)
    line = page.locator(f"#position-{number} .position")
    box = await line.bounding_box()
    assert box is not None
    assert box["height"] >= MIN_TARGET_PIXELS
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await line.click(position={"x": 5, "y": box["height"] - 3})
    await page.wait_for_url(f"**/positions/{number}?bot={account}")
