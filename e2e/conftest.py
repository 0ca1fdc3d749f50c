"""The real server as its user starts it, a real PostgreSQL, and a real browser, one for the tests of a module."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from scripts.find_chromium import find_chromium
from tests.folders import new_folder
from tests.history import seed_account
from tests.missing import needed
from tests.running import Dashboard, run_dashboard
from tests.waiting import WAIT_SECONDS

REFUSED = "Content Security Policy"
"""The one complaint of the browser that is a fault of ours; those about a network that a test cuts are expected."""
HERE = Path(__file__).parent
ARTIFACTS = Path("test-results")
"""Playwright makes it when there is something to keep."""
MEASURED = "live again"
"""The property in which a test reports how soon a page was live: promise, seconds, and seconds on an idle machine."""
WHOLE_PAGE = {"width": 1440, "height": 9000}
"""A window in which every section is in sight."""
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

shared = pytest_asyncio.fixture(scope="module", loop_scope="module")
own = pytest_asyncio.fixture(loop_scope="module")

expect.set_options(timeout=1000 * WAIT_SECONDS)  # patience for a busy machine; how quick it is, the benchmarks tell


async def look_at(page: Page, section: str) -> None:
    """Scrolls a section into sight: what is out of sight is not fetched."""
    await page.locator(f"#{section}").scroll_into_view_if_needed()


def closed(page: Page, trade: int) -> Locator:
    """The line that says that a trade was closed."""
    return page.locator(f'#activity a[href*="/trades/{trade}?"]')


async def until_live(page: Page) -> None:
    """Waits until the page hears of changes over a WebSocket."""
    await expect(page.locator("html[data-live=ws]")).to_be_attached()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a module run in one event loop, that of its browser."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@own
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    yield opened
    await opened.close()


@own
async def account(connection: asyncpg.Connection) -> int:
    """A LIVE session with a month of history; its id."""
    return await seed_account(connection)


@own
async def dashboard(account: int, database_url: str) -> AsyncIterator[Dashboard]:
    async with run_dashboard("--db-url", database_url) as running:
        yield running


@pytest.fixture
def demo_dir() -> Iterator[str]:
    """A folder for a demo of its own."""
    with new_folder() as folder:
        yield str(folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser."""
    return needed("Chromium", find_chromium)


@asynccontextmanager
async def running_browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield launched
        await launched.close()


@shared
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with running_browser(chromium) as running:
        yield running


OpenPage = Callable[..., Awaitable[Page]]


@own
async def open_page(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[OpenPage]:
    """Opens a page; keeps a screenshot of it if the test fails. A script error fails the test."""
    pages: list[Page] = []
    errors: list[str] = []

    async def open_one(url: str, **options: object) -> Page:
        context = await browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})  # type: ignore[arg-type]
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if REFUSED in message.text else None)
        pages.append(page)
        await page.goto(url)
        return page

    yield open_one
    failed = getattr(request.node, "failed", False)
    for number, page in enumerate(pages):
        if failed:
            await page.screenshot(path=ARTIFACTS / f"{request.node.name}-{number}.png", full_page=True)
        await page.context.close()
    assert not errors, "the page's scripts or its security policy complained"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> object:
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        item.failed = True  # type: ignore[attr-defined]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints how long each promise took, and how long it takes on an idle machine."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    found = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == MEASURED]
    if found:
        terminalreporter.section(MEASURED)
        for promise, seconds, usual in found:
            terminalreporter.line(f"{seconds:7.2f} s (at most {usual:g} at rest)  {promise}")
