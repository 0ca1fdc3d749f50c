"""What a person sees when PostgreSQL or the dashboard crashes and is started again."""

import asyncio
import socket

import asyncpg
from playwright.async_api import Page, expect

from e2e.conftest import WHOLE_PAGE, OpenPage, closed, look_at, until_live
from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.crash import kill
from tests.rows import insert, now
from tests.running import Dashboard, run_dashboard


async def shows_new_trades(page: Page, database_url: str, account: int) -> None:
    """Waits until the page is right again without a reload."""
    engine = await asyncpg.connect(database_url)
    await look_at(page, "activity")
    number = await insert(engine, "trades", session_id=account, symbol="DOGEUSDT", pnl=123, exit_time=now())
    await engine.close()
    await expect(closed(page, number)).to_contain_text("DOGEUSDT")
    assert await page.evaluate("window.notReloaded")


async def test_postgresql_is_killed_and_recovers(
    dashboard: Dashboard, open_page: OpenPage, server: EmbeddedServer, database_url: str, account: int
) -> None:
    page = await open_page(dashboard.url, viewport=WHOLE_PAGE)
    await until_live(page)
    await page.evaluate("window.notReloaded = true")
    await kill(server)
    try:
        await expect(page.locator("#state.old")).to_contain_text("The database cannot be read")
        await expect(page.locator(".link-live")).to_be_hidden()
        await expect(page.locator("#equity.old .warn")).to_be_visible()
    finally:
        await asyncio.to_thread(server.start_database)
    await expect(page.locator("#state:not(.old)")).to_be_attached()
    await shows_new_trades(page, database_url, account)
    await expect(page.locator(".old")).to_have_count(0)


async def test_the_dashboard_is_killed_and_started_again(account: int, database_url: str, open_page: OpenPage) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    async with run_dashboard("--db-url", database_url, "--port", port) as first:
        page = await open_page(first.url)
        await until_live(page)
        await page.evaluate("window.notReloaded = true")
        first.process.kill()
        await first.process.wait()
        await expect(page.locator("html:not([data-live=ws])")).to_be_attached()
    engine = await asyncpg.connect(database_url)
    missed = await insert(engine, "trades", session_id=account, symbol="MISSED", pnl=1, exit_time=now())
    await engine.close()
    async with run_dashboard("--db-url", database_url, "--port", port):
        await look_at(page, "activity")
        await expect(closed(page, missed)).to_be_attached()
        await until_live(page)
        await shows_new_trades(page, database_url, account)
