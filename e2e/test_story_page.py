"""The story of a trade in a browser: on every width, with hard data, and while it goes on."""

import json

import asyncpg
from playwright.async_api import expect

from e2e.conftest import OpenPage, until_live
from e2e.test_plots import TOUCHING
from tests.rows import ago
from tests.running import Dashboard
from tests.stories import closed, log_prices, opened

HARD = {"symbol": "1000000MOGUSDT_PERPX", "exit_reason": "x" * 100, "quantity": 9_876_543_210, "pnl": 9_876_543_210}


async def test_words_touch_nothing_on_any_width(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    paths = []
    await log_prices(connection, account)
    for exit_price, hours in ((112, 2), (99, 9.9), (101, 6)):
        position = await opened(connection, account)
        trade = await closed(connection, account, position, exit_price=exit_price, exit_time=ago(hours=hours))
        await connection.execute("UPDATE orders SET filled_price = $1 WHERE order_type = 'FULL_EXIT'", exit_price)
        paths.append(f"/trades/{trade}")
    paths.append(f"/trades/{await closed(connection, account, None, **HARD)}")
    await connection.execute(
        "UPDATE strategy_executions SET reasons = $1, ml_predictions = $2 WHERE reasons IS NOT NULL",
        json.dumps(["r" * 300]), json.dumps({"engine_model_name": "m" * 90}))  # fmt: skip
    page = await open_page(f"{dashboard.url}{paths[0]}")
    for path in paths:
        await page.goto(f"{dashboard.url}{path}")
        for width in (320, 390, 768, 1440, 2560):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
            assert await page.evaluate(TOUCHING) == [], (path, width)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


async def test_an_open_position_becomes_its_trade_in_place(
    dashboard: Dashboard, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    position = await opened(connection, account)
    page = await open_page(f"{dashboard.url}/positions/{position}")
    await until_live(page)
    story = page.locator("#story")
    await expect(story).to_contain_text("What it makes")
    await connection.execute("UPDATE positions SET current_price = 90, last_update = $1", ago(seconds=0))
    await expect(story.locator(".title")).to_contain_text("−20.00")
    trade = await closed(connection, account, position)
    await expect(story).to_contain_text(f"trade {trade}")
    await expect(story.locator(".title")).to_contain_text("+20.00")
    await page.reload()
    await page.wait_for_url(f"**/trades/{trade}?bot={account}")
