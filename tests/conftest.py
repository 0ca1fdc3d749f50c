"""Fixtures that tests of several rooms use."""

from collections.abc import AsyncIterator

import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """As the dashboard opens it: sessions that are read-only unless told otherwise."""
    opened = Database(database_url, SYSTEM_CLOCK)
    await opened.open()
    yield opened
    await opened.close()
