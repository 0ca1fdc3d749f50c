"""One dashboard, one browser and one nginx for all tests of networks; pages and faults are each test's own."""

from collections.abc import AsyncIterator, Generator, Iterator

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from e2e.conftest import ARTIFACTS, BROWSER_ARGUMENTS, MEASURED
from e2e.faultproxy import FaultProxy, in_front_of
from e2e.networks.transports import RECORD, REPORT, OpenPage
from e2e.nginx import BUFFERED, PLAIN, STRIPPED, SWALLOWED, Nginx, run_nginx
from monitoring.postgres.embedded import EmbeddedServer
from scripts.find_server import find_server
from tests.apart import run_apart
from tests.history import seed_account
from tests.missing import needed
from tests.running import Dashboard, run_dashboard

DATABASE = "networks"
# A page that a test has rewritten comes from no network at all, and would be kept from the local one.
REWRITTEN_PAGES = "--disable-features=LocalNetworkAccessChecks"
SITES = {"plain": PLAIN, "stripped": STRIPPED, "swallowed": SWALLOWED, "buffered": BUFFERED}
shared = pytest_asyncio.fixture(scope="package", loop_scope="package")
own = pytest_asyncio.fixture(loop_scope="package")


@pytest.fixture(scope="package")
def database_url(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    run_apart(lambda: server.create_database(DATABASE, template_database))
    yield server.url(DATABASE)
    run_apart(lambda: server.drop_database(DATABASE))


@shared
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    yield opened
    await opened.close()


@shared
async def account(connection: asyncpg.Connection) -> int:
    return await seed_account(connection)


@shared
async def dashboard(account: int, database_url: str) -> AsyncIterator[Dashboard]:
    async with run_dashboard("--db-url", database_url) as running:
        yield running


@shared
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium, args=[*BROWSER_ARGUMENTS, REWRITTEN_PAGES]
        )
        yield launched
        await launched.close()


@pytest.fixture(scope="session")
def nginx_program() -> str:
    """Path of nginx."""
    return needed("nginx", lambda: find_server("nginx"))


@shared
async def nginx(nginx_program: str, dashboard: Dashboard) -> AsyncIterator[Nginx]:
    async with run_nginx(nginx_program, dashboard.url, SITES) as running:
        yield running


@own
async def faults(dashboard: Dashboard) -> AsyncIterator[FaultProxy]:
    """A network between the browser and the dashboard."""
    async with in_front_of(dashboard.url) as proxy:
        yield proxy


@own
async def open_page(browser: Browser, dashboard: Dashboard, request: pytest.FixtureRequest) -> AsyncIterator[OpenPage]:
    """Opens pages that record their transports; an exception in any of their scripts fails the test."""
    pages: list[Page] = []
    exceptions: list[str] = []
    console: list[str] = []

    async def open_one(url: str = "about:blank", beside: Page | None = None, **options: object) -> Page:
        """``beside`` another page: in a tab of the same browser window."""
        viewport = {"width": 1440, "height": 900}
        context = beside.context if beside else await browser.new_context(**{"viewport": viewport, **options})  # type: ignore[arg-type]
        page = await context.new_page()
        await page.add_init_script(RECORD)
        page.on("pageerror", lambda error: exceptions.append(str(error)))
        page.on("console", lambda message: console.append(message.text))
        pages.append(page)
        await page.goto(url, wait_until="domcontentloaded")
        return page

    yield open_one
    if getattr(request.node, "failed", False):
        print("console:", *console, sep="\n  ")  # noqa: T201 - pytest shows it with the failure
        print("dashboard:", *dashboard.log[-30:], sep="\n  ")  # noqa: T201
        for number, page in enumerate(pages):
            await page.screenshot(path=ARTIFACTS / f"{request.node.name}-{number}.png")
    for context in {page.context for page in pages}:
        await context.close()
    assert exceptions == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Sends what was measured along with the result, for the tests may run in several processes."""
    report = yield
    report.user_properties += [(MEASURED, measured) for measured in REPORT]
    REPORT.clear()
    return report
