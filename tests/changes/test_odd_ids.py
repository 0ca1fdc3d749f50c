"""Ids that no sequence gives, or that lie far apart: the audit takes no row for a correction because of them."""

import asyncpg
import pytest

from monitoring.changes import chunk_sums
from monitoring.changes.audit import changes_of
from monitoring.database.source import Source
from monitoring.projections.equity import EquityHistory, read_again
from monitoring.projections.projected import Projected
from monitoring.projections.trades import TradeTotals
from tests.changes.test_audit import Audited
from tests.changes.test_table_cursors import Poller
from tests.rows import insert, now

LARGEST_ID = 2**31 - 1
SHAPES = {
    "table": "SELECT",
    "partition without index": """
        ALTER TABLE trades RENAME TO plain;
        CREATE TABLE trades (LIKE plain INCLUDING DEFAULTS) PARTITION BY RANGE (id);
        CREATE TABLE rest PARTITION OF trades DEFAULT;
    """,
}


async def scan(audited: Audited) -> None:
    source = Source(audited.poller.connection, audited.cursors.capabilities)
    trades = Projected(TradeTotals())
    await trades.begin(source, audited.cursors.cursors["trades"])
    while trades.building:
        await trades.advance(source)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("ids", [(0, 1, 2), (-5, 1), (-40_000, -3, 7), (1, LARGEST_ID)], ids=str)
async def test_no_row_is_a_correction_because_of_its_id(
    connection: asyncpg.Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    shape: str,
    ids: tuple[int, ...],
) -> None:
    monkeypatch.setattr(chunk_sums, "MAX_CHUNK_COUNT", 3)
    if LARGEST_ID in ids:
        monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", LARGEST_ID // 10)
    await insert(connection, "trading_sessions", mode="LIVE")
    await connection.execute(shape)
    for number in ids:
        await insert(connection, "trades", id=number, session_id=1, pnl=1, exit_time=now())
    audited = Audited(await Poller.start(database_url))
    for _ in range(2):
        await scan(audited)
        assert await audited.round() == set()
    await connection.execute("UPDATE trades SET pnl = 2 WHERE id = $1", ids[0])
    assert await audited.round() == {"trades"}
    await audited.poller.connection.close()


@pytest.mark.parametrize(("number", "other"), [(-7, 1), (0, 1), (LARGEST_ID, LARGEST_ID - 1)])
async def test_days_of_odd_ids_are_read_again(
    connection: asyncpg.Connection, database_url: str, number: int, other: int
) -> None:
    await insert(connection, "trading_sessions", mode="LIVE")
    await insert(connection, "account_history", id=other, session_id=1, timestamp=now())
    await insert(connection, "account_history", id=number, session_id=1, timestamp=now())
    audited = Audited(await Poller.start(database_url))
    await audited.round()
    await audited.round()
    await connection.execute("UPDATE account_history SET equity = 2 WHERE id = $1", number)
    audited.audit.suspect({"account_history"})
    found = await audited.audit.visit(audited.poller.connection, audited.cursors, watched=True)
    history = Projected(EquityHistory())
    history.complete = True
    source = Source(audited.poller.connection, audited.cursors.capabilities)
    await read_again(history, source, changes_of(found).ranges["account_history"])
    assert history.states[1].late == {now().date()}
    await audited.poller.connection.close()
