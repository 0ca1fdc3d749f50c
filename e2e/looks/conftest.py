"""One browser and one dashboard a state for all tests of looks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from e2e.conftest import BROWSER_ARGUMENTS
from e2e.looks.places import Places
from monitoring.postgres.embedded import EmbeddedServer
from scripts.find_axe import find_axe
from tests.folders import new_folder
from tests.missing import needed

shared = pytest_asyncio.fixture(scope="package", loop_scope="package")


@shared
async def places(server: EmbeddedServer, template_database: str) -> AsyncIterator[Places]:
    with new_folder() as folder:
        async with AsyncExitStack() as stack:
            yield Places(server, template_database, folder, stack)


@shared
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield launched
        await launched.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that checks a page for accessibility."""
    return Path(needed("axe-core", find_axe)).read_text("utf-8")
