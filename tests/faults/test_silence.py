"""PostgreSQL falls silent and no connection breaks: figures are marked, calls answered, and all is well afterwards."""

import asyncio

import asyncpg
import pytest

from monitoring.changes import feed
from monitoring.database import pool
from monitoring.database.capabilities import Capabilities
from monitoring.database.pool import DatabaseUnavailable
from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.deeds import Place, freeze, thaw
from tests.faults.page import Page
from tests.faults.test_outages import engine, is_away, trades_on
from tests.faults.wire import Wire
from tests.waiting import until, waiting

FOR_EVER = 1e6


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing ends a wait for the database but that its silence was noticed."""
    monkeypatch.setattr(feed, "TOKEN_TIMEOUT_SECONDS", FOR_EVER)
    for limit in ("CONNECT_TIMEOUT_SECONDS", "COMMAND_TIMEOUT_SECONDS", "RETIRED_WITHIN_SECONDS"):
        monkeypatch.setattr(pool, limit, FOR_EVER)


async def answers_what_is_known(page: Page) -> None:
    async with waiting():
        first, partials = await page.get("/"), await page.get("/partials?names=trade_filter,state")
        refused = [await page.client.get(path) for path in ("/api/metrics", "/api/trades", "/ready")]
    assert "The database cannot be read" in first
    assert "The database cannot be read" in partials
    assert [answer.status_code for answer in refused] == [503, 503, 503]


async def test_frozen(page: Page, wire: Wire, server: EmbeddedServer, database_url: str, account: int) -> None:
    place = Place(server, wire)
    await freeze(place)
    try:
        await answers_what_is_known(page)
        await is_away(page)
    finally:
        await thaw(place)
    await trades_on(page, database_url, account)


async def test_a_link_that_drips(page: Page, wire: Wire, database_url: str, account: int) -> None:
    wire.drip()
    await is_away(page)
    await answers_what_is_known(page)
    wire.pass_on()
    await trades_on(page, database_url, account)


async def test_queries_under_way_end_too(page: Page, wire: Wire) -> None:
    """And so do those who wait until others give a connection back."""
    database = page.parts.database
    readers = [asyncio.create_task(database.ask(sleep)) for _ in range(pool.POOL_CONNECTION_COUNT + 1)]
    async with engine(wire.target) as connection:
        await until(lambda: all_sleep(connection))
    wire.swallow()
    async with waiting():
        ended = await asyncio.gather(*readers, return_exceptions=True)
    assert {type(error) for error in ended} == {DatabaseUnavailable}


async def sleep(connection: asyncpg.Connection, _capabilities: Capabilities) -> None:
    # In several: no query takes longer than its limit.
    for _ in range(1000):
        await connection.execute("SELECT pg_sleep(0.5)")


async def all_sleep(connection: asyncpg.Connection) -> bool:
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    return bool(await connection.fetchval(sleeping) == pool.POOL_CONNECTION_COUNT)
