"""Whole tables are read to their end, whatever their ids, and at the engine's convenience."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from monitoring.changes import chunk_sums
from monitoring.changes.snapshot_token import start_cursor
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import Capabilities
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.database.source import Source
from monitoring.projections import Projections, backfill
from monitoring.projections.projected import IdRange
from monitoring.projections.trades import TradeTotals
from tests.clocks import AN_AFTERNOON, ManualClock, standing_at
from tests.projections.reading import follower_of, refreshed
from tests.rows import insert

TRADES = 9
CHUNK_ROWS = 3


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", mode="LIVE", initial_balance=1000, start_time=AN_AFTERNOON)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """A clock by which each chunk of trades takes a second, and nothing else any time."""
    hands, scan = ManualClock(), TradeTotals.scan

    async def second(*arguments: Any) -> Any:
        found = await scan(*arguments)
        hands.forward(seconds=1)
        return found

    monkeypatch.setattr(TradeTotals, "scan", second)
    return hands


@pytest.fixture
async def projections(database_url: str, hands: ManualClock) -> AsyncIterator[Projections]:
    clock = hands.clock
    database = Database(database_url, clock)
    await database.open()
    yield Projections(database, clock)
    await database.close()


async def trades(connection: asyncpg.Connection, session: int, first: int = 1) -> None:
    for number in range(first, first + TRADES):
        at = AN_AFTERNOON - timedelta(minutes=TRADES - number % TRADES)
        await insert(connection, "trades", id=number, session_id=session, pnl=1, exit_time=at)


@pytest.mark.parametrize("busy", [False, True])
async def test_scans_rest_while_the_engine_writes(
    connection: asyncpg.Connection,
    session: int,
    projections: Projections,
    monkeypatch: pytest.MonkeyPatch,
    busy: bool,
) -> None:
    """As long as they work, so that half a processor is left. By one reader, since two would mix their times."""
    monkeypatch.setattr(backfill, "READER_COUNT", 1)
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", CHUNK_ROWS)
    monkeypatch.setattr(backfill, "BUSY_SECONDS", 3600 if busy else 0)
    await trades(connection, session)
    rests: list[float] = []
    sleep = asyncio.sleep

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        await sleep(0)

    monkeypatch.setattr(backfill.asyncio, "sleep", rest)
    tail = await start_cursor(connection, "trades", SYSTEM_CLOCK)
    await projections.begin(Source(connection, await Capabilities.read(connection)), {"trades": tail}, ["trades"])
    projections.backfill.engine_wrote()
    work = asyncio.create_task(projections.backfill.run())
    while len(rests) < TRADES / CHUNK_ROWS:
        await sleep(0.001)
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    assert set(rests) == {1.0 if busy else 0.0}


async def test_ids_that_begin_high_are_no_rows_to_read(connection: asyncpg.Connection, session: int) -> None:
    """Old rows are deleted, or came from elsewhere: what their ids were is never asked for."""
    await trades(connection, session, first=2_000_000_000)
    follower = await refreshed(connection, await follower_of(connection, session, standing_at(AN_AFTERNOON)))
    assert follower.trades.total == TRADES


async def test_a_chunk_that_takes_too_long_is_read_in_pieces(
    connection: asyncpg.Connection, session: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = TradeTotals.scan

    async def within_limits(totals: TradeTotals, source: Source, ids: IdRange) -> Any:
        if ids.until - ids.after > 2:
            raise DatabaseUnavailable("canceling statement due to statement timeout")
        return await scan(totals, source, ids)

    monkeypatch.setattr(TradeTotals, "scan", within_limits)
    await trades(connection, session)
    follower = await follower_of(connection, session, standing_at(AN_AFTERNOON))
    source = await follower.poll(connection)
    for _ in range(4 * TRADES):
        with suppress(DatabaseUnavailable):
            await follower.advance(source)
    assert (await follower.read(source)).trades.total == TRADES


async def test_corrections_that_never_end_are_caught_up_with(
    connection: asyncpg.Connection, session: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody mends old rows one by one, more quickly than the table is read."""
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", CHUNK_ROWS)
    await trades(connection, session)
    follower = await follower_of(connection, session, standing_at(AN_AFTERNOON))
    for pnl in range(2, 2 + TRADES):
        await connection.execute("UPDATE trades SET pnl = $1", pnl)
        follower.forget("trades")
        source = await follower.poll(connection)
        await follower.advance(source)
    await follower.read(source)
    assert follower.trades.total == TRADES
    known = follower.trades.sums(AN_AFTERNOON)
    assert known is not None
    assert known.gross > TRADES
    assert (await refreshed(connection, follower)).trades.sums(AN_AFTERNOON).gross == TRADES * pnl


async def test_ids_given_again_while_a_table_is_read(
    connection: asyncpg.Connection, session: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest rows are deleted, and others get their ids: none counts twice, not even for a moment."""
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", CHUNK_ROWS)
    await trades(connection, session)
    follower = await follower_of(connection, session, standing_at(AN_AFTERNOON))
    await follower.advance(await follower.poll(connection))
    await connection.execute("DELETE FROM trades WHERE id > 6")
    await follower.look_back(connection)
    await follower.poll(connection)
    await trades(connection, session, first=7)
    source = await follower.poll(connection)
    while not (await follower.read(source)).trades.complete:
        await follower.advance(source)
    assert follower.trades.total == 6 + TRADES
