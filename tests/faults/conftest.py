"""A dashboard with a page open, over a wire to a real PostgreSQL, as a role that may only read."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import asyncpg
import pytest

from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.page import Page, dashboard
from tests.faults.reader import READER, make_reader
from tests.faults.wire import Wire, wire_to
from tests.history import seed_account
from tests.rows import now


@pytest.fixture(autouse=True)
def running_again(server: EmbeddedServer, database_url: str) -> Iterator[None]:
    """Whatever a test did to PostgreSQL, the next one finds it running."""
    yield
    server.start_database()


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    """A LIVE session with a month of history; its id."""
    await make_reader(connection)
    return await seed_account(connection)


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Wire]:
    async with wire_to(database_url) as made:
        yield made


@pytest.fixture
async def page(account: int, wire: Wire) -> AsyncIterator[Page]:
    """Open and up to date."""
    async with dashboard(wire.url(READER)) as opened:
        await opened.shows("performance", "40")
        await opened.is_fresh()
        yield opened


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The moment at which everything is computed, so that two pages of equal data are equal."""
    moment = now()
    for module in ("reader", "snapshots", "ledger.session"):
        monkeypatch.setattr(f"monitoring.{module}.utc_now", lambda: moment)
    return moment
