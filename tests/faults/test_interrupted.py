"""A read that is interrupted at any point, or during which changes arrive, never leaves wrong figures."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from monitoring.changes.identity import identity_of
from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import Capabilities
from monitoring.database.errors import UNAVAILABLE, lost_with
from monitoring.sections.account_rows import read_account
from monitoring.sections.section import Reading
from tests.history import seed_account
from tests.projections.reading import Follower, follower_of, refreshed
from tests.rows import insert, now
from tests.waiting import until

QUERIES = frozenset({"fetch", "fetchrow", "fetchval", "execute", "copy_from_query"})


class Breaking:
    """A real connection that does something else before its n-th query."""

    def __init__(self, connection: asyncpg.Connection, after: int, happens: Any) -> None:
        self._connection = connection
        self._left = after
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in QUERIES:
            return found

        async def query(*arguments: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                await self._happens()
            return await found(*arguments, **options)

        return query


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def figures(follower: Follower) -> list[object]:
    at = now().replace(microsecond=0)
    daily, drawdown = follower.history.daily(), follower.history.drawdown()
    assert daily is not None
    return [
        follower.trades.sums(at),
        daily.dates,
        daily.equity.tolist(),
        daily.index.tolist(),
        drawdown,
        follower.positions.open_ids,
        follower.flows,
    ]


async def everything_moves(engine: asyncpg.Connection, session: int) -> None:
    """Writes new rows of every kind, some of them late."""
    at = now()
    await insert(engine, "trades", session_id=session, pnl=9, commission=1, exit_time=at)
    for days in (0.0, 2.5, 9.5):
        await insert(engine, "account_history", session_id=session, timestamp=at - timedelta(days=days), balance=9_900,
                     equity=9_900, total_pnl=1)  # fmt: skip
    await insert(engine, "account_balances", session_id=session, last_updated=at - timedelta(days=7),
                 total_balance=12_000, update_reason="deposit")  # fmt: skip
    await insert(engine, "positions", session_id=session)
    await engine.execute("UPDATE positions SET status = 'CLOSED' WHERE id = 1")


@pytest.mark.parametrize("fault", ["lost", "cancelled"])
async def test_wherever_it_breaks_off_the_next_one_is_right(
    connection: asyncpg.Connection, engine: asyncpg.Connection, database_url: str, fault: str
) -> None:
    session = await seed_account(engine)
    for query in range(60):
        follower = await refreshed(connection, await follower_of(connection, session))
        await everything_moves(engine, session)
        if not await breaks_off(follower, database_url, query, engine if fault == "lost" else None):
            assert query > 5
            return
        await refreshed(connection, follower)
        fresh = await refreshed(connection, await follower_of(connection, session))
        assert figures(follower) == figures(fresh), f"broken off at query {query}"
    pytest.fail("a refresh that takes more than 60 queries")


async def test_open_positions_stand_until_they_have_been_read_again(
    connection: asyncpg.Connection, engine: asyncpg.Connection, database_url: str
) -> None:
    session = await seed_account(engine)
    follower = await refreshed(connection, await follower_of(connection, session))
    known, query = follower.positions.open_ids, 0
    assert known
    follower.forget("positions")
    while await breaks_off(follower, database_url, query, engine):
        assert follower.positions.counted
        assert follower.positions.open_ids == known
        query += 1
    assert query > 3


async def test_the_account_is_of_one_moment(
    connection: asyncpg.Connection, engine: asyncpg.Connection, database_url: str
) -> None:
    """Another task updates the state while the newest snapshot is being read."""
    session = await seed_account(engine)
    capabilities = await Capabilities.read(connection)
    follower = await refreshed(connection, await follower_of(connection, session))
    reading = Reading(connection, capabilities, follower.state, now())
    before = await read_account(reading)
    other = await asyncpg.connect(database_url)

    async def meanwhile() -> None:
        await insert(engine, "account_history", session_id=session, timestamp=now(), balance=1, equity=1, total_pnl=1)
        await refreshed(other, follower)

    assert await read_account(replace(reading, connection=Breaking(connection, 0, meanwhile))) == before
    await other.close()


UPDATES = "SELECT pg_stat_get_tuples_updated('trades'::regclass)"


async def counted_more_than(connection: asyncpg.Connection, before: int) -> bool:
    """Whether the server has counted updates since; it does so some time after their commit."""
    return await connection.fetchval(UPDATES) > before


async def test_a_correction_is_found_though_a_search_broke_off(
    connection: asyncpg.Connection, engine: asyncpg.Connection, database_url: str
) -> None:
    session = await seed_account(engine)
    for query in range(10):
        watch = await TableCursors.start(
            connection, await Capabilities.read(connection), await identity_of(connection), SYSTEM_CLOCK
        )
        before = await connection.fetchval(UPDATES)
        writer = await asyncpg.connect(database_url)
        await writer.execute("UPDATE trades SET pnl = pnl + 1 WHERE session_id = $1", session)
        await writer.close()
        await until(lambda before=before: counted_more_than(connection, before))

        async def dies() -> None:
            raise ConnectionResetError

        try:
            await watch.corrections(Breaking(connection, query, dies))
        except ConnectionResetError:
            assert "trades" in await watch.corrections(connection), f"broken off at query {query}"
            continue
        assert query > 1
        return
    pytest.fail("a look that takes more than 10 queries")


async def breaks_off(follower: Follower, url: str, query: int, killer: asyncpg.Connection | None) -> bool:
    """Refreshes over a connection that dies, or in a task that is cancelled, at a query; False if it ended before."""
    connection = await asyncpg.connect(url)

    async def dies() -> None:
        if killer is None:
            working.cancel()
            await asyncio.sleep(0)
        else:
            await killer.execute("SELECT pg_terminate_backend($1, 1000)", connection.get_server_pid())

    working = asyncio.create_task(refreshed(Breaking(connection, query, dies), follower))
    try:
        with lost_with(connection):
            await working
    except (asyncio.CancelledError, *UNAVAILABLE):
        return True
    finally:
        connection.terminate()
    return False
