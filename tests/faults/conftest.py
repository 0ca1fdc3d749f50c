"""A dashboard with a page open, over a wire to a real PostgreSQL, as a role that may only read."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from monitoring.clock import Clock
from monitoring.postgres.embedded import EmbeddedServer
from tests.clocks import RunningClock, standing_at
from tests.complaints import no_complaints
from tests.faults.page import Page, dashboard
from tests.faults.reader import READER, make_reader
from tests.faults.wire import Wire, wire_to
from tests.history import seed_account
from tests.rows import now


@pytest.fixture(autouse=True)
def running_again(server: EmbeddedServer, database_url: str) -> Iterator[None]:
    """PostgreSQL runs at the start of every test, whatever the test before did to it."""
    yield
    server.start_database()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Whatever happens to the database, no task ends in an error that nobody hears of."""
    with no_complaints():
        yield


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
def clock() -> RunningClock:
    """The dashboard's clock; it shows the system's time until a test moves it."""
    return RunningClock()


@pytest.fixture
async def page(account: int, wire: Wire, clock: RunningClock) -> AsyncIterator[Page]:
    """An open page that is up to date."""
    async with dashboard(wire.url(READER), clock=clock.clock) as opened:
        await opened.shows("trade_filter", ">40<")
        await opened.is_fresh()
        yield opened


@pytest.fixture
def stopped_clock() -> Clock:
    """Stops the clock, so that two pages of equal data are equal."""
    return standing_at(now())
