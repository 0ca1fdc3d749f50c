"""The page under a sub-path, whether the proxy removes the prefix or not."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from e2e.networks.transports import OpenPage, hears, reaches
from e2e.nginx import PREFIX_LEFT_ON, PREFIX_TAKEN_OFF, Nginx, run_nginx
from tests.running import Dashboard, run_dashboard
from tests.secrets import SECRETS, TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="package")

ROOT = "/monitoring"
SITES = {"taken off": PREFIX_TAKEN_OFF, "left on": PREFIX_LEFT_ON}
PRODUCTION = {"ENV": "production", **SECRETS}
SOCKETS = "window.WebSocket = class { constructor() { throw new Error('blocked'); } };"


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def prefixed(account: int, database_url: str) -> AsyncIterator[Dashboard]:
    async with run_dashboard("--db-url", database_url, MONITORING_ROOT_PATH=ROOT, **PRODUCTION) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def proxies(prefixed: Dashboard, nginx_program: str) -> AsyncIterator[Nginx]:
    async with run_nginx(nginx_program, prefixed.url.removesuffix(ROOT), SITES) as running:
        yield running


@pytest.mark.parametrize("site", SITES)
async def test_everything_works_below_it(
    proxies: Nginx, open_page: OpenPage, connection: asyncpg.Connection, account: int, site: str
) -> None:
    page = await open_page()
    asked: list[str] = []
    refused: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws:", "http:")))
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    await page.goto(f"{proxies.url(site)}{ROOT}")
    await expect(page).to_have_url(f"{proxies.url(site)}{ROOT}/login?next=%2F")
    await page.get_by_label("token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await reaches(page, "ws", 5, f"below a prefix that is {site}: WebSocket")
    await hears(page, connection, account)
    await page.get_by_role("link", name="Theme").click()
    await page.get_by_label("Dark").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("html[data-theme=dark]")).to_be_attached()
    await page.get_by_role("link", name="Trades").click()
    await page.get_by_role("link", name="Older").click()
    await expect(page.get_by_role("link", name="Newer").first).to_be_attached()
    home = f"{proxies.url(site)}{ROOT}"
    assert [url for url in asked if url != home and not url.startswith((f"{home}/", "data:"))] == []
    assert refused == []
    assert {cookie["path"] for cookie in await page.context.cookies()} == {f"{ROOT}/"}


@pytest.mark.parametrize("site", SITES)
async def test_events_and_polling_work_below_it(
    proxies: Nginx, open_page: OpenPage, connection: asyncpg.Connection, account: int, site: str
) -> None:
    page = await open_page(extra_http_headers={"X-Dashboard-Token": TOKEN})
    await page.add_init_script("delete window.WebSocket;")
    await page.goto(f"{proxies.url(site)}{ROOT}/", wait_until="domcontentloaded")
    await reaches(page, "sse", 5, f"below a prefix that is {site}: events")
    await hears(page, connection, account)
    polled = await page.evaluate("fetch(document.documentElement.dataset.root + 'versions').then(r => r.status)")
    assert polled == 200


async def test_health_is_checked_on_either_path(prefixed: Dashboard) -> None:
    async with httpx.AsyncClient() as client:
        for path in ("/health", f"{ROOT}/health"):
            assert (await client.get(prefixed.url.removesuffix(ROOT) + path)).json() == {"status": "ok"}
