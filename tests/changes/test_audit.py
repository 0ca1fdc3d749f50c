"""The rolling audit finds what nothing else tells of, and nothing where nothing was corrected."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from monitoring.changes import chunk_sums
from monitoring.changes.audit import RollingAudit
from monitoring.changes.snapshot_token import read_token
from monitoring.changes.table_cursors import TableCursors
from tests.changes.test_partitions import PARTITIONED
from tests.changes.test_table_cursors import Poller
from tests.clocks import ManualClock
from tests.rows import insert, now

CHUNK_ROWS = 10
SHAPES = {"table": "SELECT", "partitions without index": PARTITIONED}


class Audited:
    """A feed polled by hand, whose audit is always due."""

    def __init__(self, poller: Poller) -> None:
        self.poller = poller
        self.audit = RollingAudit(ManualClock().clock)

    @property
    def cursors(self) -> TableCursors:
        return self.poller.watch

    async def read(self) -> None:
        await self.poller.poll()

    async def round(self) -> set[str]:
        """What a whole round finds."""
        found: set[str] = set()
        ended = self.audit.rounds + 1
        while self.audit.rounds < ended:
            places = await self.audit.visit(self.poller.connection, self.cursors, watched=True)
            found |= {place.table for place in places}
        return found


@pytest.fixture(params=SHAPES.values(), ids=SHAPES)
async def audited(
    request: pytest.FixtureRequest, connection: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Audited]:
    """Forty trades, of which three are missing, in a table that is made in several ways."""
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", CHUNK_ROWS)
    await insert(connection, "trading_sessions", mode="LIVE")
    await connection.execute(request.param)
    for number in (*range(1, 20), *range(23, 41)):
        await insert(connection, "trades", id=number, session_id=1, pnl=1, exit_time=now())
    poller = await Poller.start(database_url)
    audited = Audited(poller)
    await audited.round()
    await audited.round()
    yield audited
    await poller.connection.close()


CORRECTIONS = {
    "updated": "UPDATE trades SET pnl = 2 WHERE id = 5",
    "deleted": "DELETE FROM trades WHERE id = 7",
    "put elsewhere": "UPDATE trades SET id = 21 WHERE id = 7",
    "all of a chunk": "DELETE FROM trades WHERE id > 10 AND id <= 20",
}


@pytest.mark.parametrize("correction", CORRECTIONS.values(), ids=CORRECTIONS)
async def test_a_correction_is_found_once(audited: Audited, connection: asyncpg.Connection, correction: str) -> None:
    audited.cursors.cursors["trades"].pending_ids.clear()  # as long after the start
    await connection.execute(correction)
    await audited.read()
    assert await audited.round() == {"trades"}
    assert await audited.round() == set()


async def test_what_the_feed_reported_is_no_correction(audited: Audited, connection: asyncpg.Connection) -> None:
    late = await asyncpg.connect(audited.poller.url)
    transaction = late.transaction()
    await transaction.start()
    await insert(late, "trades", id=41, session_id=1, pnl=1, exit_time=now())
    position = await insert(connection, "positions", session_id=1, status="OPEN")
    for number in range(42, 70):
        await insert(connection, "trades", id=number, session_id=1, pnl=1, exit_time=now())
        await connection.execute("UPDATE positions SET current_price = $1", number)
        await audited.read()
        assert await audited.round() == set()
    await transaction.commit()
    await late.close()
    assert await audited.round() == set()
    await connection.execute("UPDATE positions SET status = 'CLOSED' WHERE id = $1", position)
    await audited.read()
    assert await audited.round() == set()


async def test_a_row_committed_long_after_its_id_was_taken(
    audited: Audited, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    audited.cursors.cursors["trades"].pending_ids.clear()  # so many ids later that it is not waited for
    await insert(connection, "trades", id=20, session_id=1, pnl=1, exit_time=now())
    await audited.read()
    assert await audited.round() == {"trades"}


async def test_a_position_opened_again_is_tracked(audited: Audited, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE positions SET status = 'CLOSED'")
    position = await insert(connection, "positions", session_id=1, status="CLOSED")
    again = await Poller.start(audited.poller.url)
    later = Audited(again)
    await later.round()
    await connection.execute("UPDATE positions SET status = 'OPEN' WHERE id = $1", position)
    assert await again.watch.track_open_positions(again.connection)
    await again.watch.read(again.connection, await read_token(again.connection, clock=again.watch.clock))
    assert await later.round() == set()
    await again.connection.close()
