"""What the rolling audit does where a count fails, and where very much was corrected."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from monitoring.changes import chunk_sums
from monitoring.changes.chunk_sums import indexed_tables
from monitoring.database.source import Source
from monitoring.projections.equity import EquityHistory
from monitoring.projections.projected import Projected
from tests.changes.test_audit import Audited
from tests.changes.test_table_cursors import Poller
from tests.rows import insert, now

PARTITIONED = """
ALTER TABLE account_history RENAME TO plain;
CREATE TABLE account_history (LIKE plain INCLUDING DEFAULTS) PARTITION BY RANGE (id);
CREATE TABLE old PARTITION OF account_history FOR VALUES FROM (1) TO (21);
CREATE TABLE young PARTITION OF account_history FOR VALUES FROM (21) TO (100);
CREATE INDEX ON account_history (id);
"""


@pytest.fixture
async def audited(
    connection: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Audited]:
    """Of forty snapshots and sixty orders, in chunks of ten."""
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", 10)
    await insert(connection, "trading_sessions", mode="LIVE")
    await connection.execute(PARTITIONED)
    for number in range(1, 41):
        await insert(connection, "account_history", id=number, session_id=1, timestamp=now())
    for number in range(1, 61):
        await insert(connection, "orders", id=number, session_id=1, status="FILLED")
    audited = Audited(await Poller.start(database_url))
    await audited.round()
    await audited.round()
    # Of the partitions, a count locks those alone that it needs.
    await audited.poller.connection.execute("SET lock_timeout = '50ms'; SET plan_cache_mode = force_custom_plan")
    yield audited
    await audited.poller.connection.close()


async def test_a_bulk_update_is_reported_once(audited: Audited, connection: asyncpg.Connection) -> None:
    """Each report of an order has all trades read again."""
    await connection.execute("UPDATE orders SET price = 2")
    ended, reports = audited.audit.rounds + 2, 0
    while audited.audit.rounds < ended:
        reports += bool(await audited.audit.visit(audited.poller.connection, audited.cursors, watched=True))
    assert reports == 1


async def test_what_was_found_outlives_a_count_that_fails(audited: Audited, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE account_history SET equity = 1 WHERE id = 35")
    audited.audit.suspect({"account_history"})
    async with connection.transaction():
        await connection.execute("LOCK TABLE old")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await audited.round()
    assert await audited.round() == {"account_history"}


async def test_a_count_that_fails_is_not_repeated_at_once(audited: Audited, connection: asyncpg.Connection) -> None:
    """One that always takes too long would end the connection again and again."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE orders")
        for _ in range(6):
            with pytest.raises(asyncpg.LockNotAvailableError):
                await audited.round()
        assert await audited.round() == set()


async def test_the_audit_goes_on_after_a_scan_was_given_up(audited: Audited, connection: asyncpg.Connection) -> None:
    """A column that it needs went away in the middle of it; others read the table all the same."""
    history = Projected(EquityHistory())
    source = Source(audited.poller.connection, audited.cursors.capabilities)
    await history.begin(source, audited.cursors.cursors["account_history"])
    history.clear()
    await audited.round()
    await connection.execute("UPDATE account_history SET equity = 1 WHERE id = 35")
    assert await audited.round() == {"account_history"}


SHAPES = {
    "CREATE VIEW trades AS SELECT * FROM plain": True,
    "CREATE TABLE trades (LIKE plain)": False,
    "CREATE TABLE trades (LIKE plain INCLUDING INDEXES)": True,
}


@pytest.mark.parametrize(("shape", "in_chunks"), SHAPES.items(), ids=SHAPES)
async def test_which_tables_are_counted_in_chunks(connection: asyncpg.Connection, shape: str, in_chunks: bool) -> None:
    """A view of half a million snapshots takes 1.6 s at once, in which the database would seem to be away."""
    await connection.execute("ALTER TABLE trades RENAME TO plain")
    await connection.execute(shape)
    assert ("trades" in await indexed_tables(connection, ["trades"])) is in_chunks
