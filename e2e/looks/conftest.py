"""One browser and one dashboard a state for all tests of looks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from e2e.conftest import running_browser
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
    async with running_browser(chromium) as running:
        yield running


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that checks a page for accessibility."""
    return Path(needed("axe-core", find_axe)).read_text("utf-8")
