"""The rolling audit of tables that are views: their rows have no versions but those made of their values."""

import asyncpg
import pytest

from monitoring.changes import chunk_sums
from monitoring.changes.identity import identity_of
from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database
from tests.changes.test_audit import Audited
from tests.changes.test_table_cursors import Poller
from tests.rows import insert, now


@pytest.mark.parametrize("columns", ["*", "*, clock_timestamp() - entry_time AS age"])
async def test_only_a_correction_is_found_in_a_view(
    connection: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """A column that is another one at each reading is no correction."""
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", 10)
    await insert(connection, "trading_sessions", mode="LIVE")
    for _ in range(30):
        await insert(connection, "trades", session_id=1, exit_time=now())
    await connection.execute("ALTER TABLE trades RENAME TO plain")
    await connection.execute(f"CREATE VIEW trades AS SELECT {columns} FROM plain")
    database = Database(database_url, SYSTEM_CLOCK)
    await database.open()
    feed, _ = await database.connect()
    cursors = await TableCursors.start(feed, database.capabilities, await identity_of(feed), SYSTEM_CLOCK)
    audited = Audited(Poller(database_url, feed, cursors))
    await audited.round()
    await audited.round()
    assert await audited.round() == set()
    await connection.execute("UPDATE plain SET pnl = 77 WHERE id = 3")
    await audited.read()
    assert await audited.round() == {"trades"}
    assert await audited.round() == set()
    feed.terminate()
    await database.close()
