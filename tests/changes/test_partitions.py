"""Corrections of tables that are partitioned: each partition counts its own rows."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.changes.test_table_cursors import Poller
from tests.rows import insert
from tests.waiting import until

PARTITIONED = """
ALTER TABLE trades RENAME TO plain;
CREATE TABLE trades (LIKE plain INCLUDING DEFAULTS) PARTITION BY RANGE (id);
CREATE TABLE trades_1 PARTITION OF trades FOR VALUES FROM (1) TO (10);
CREATE TABLE trades_2 PARTITION OF trades FOR VALUES FROM (10) TO (100);
"""


@pytest.fixture
async def poller(connection: asyncpg.Connection, database_url: str) -> AsyncIterator[Poller]:
    await insert(connection, "trading_sessions", mode="LIVE")
    await connection.execute(PARTITIONED)
    for number in (1, 2, 11, 12):
        await insert(connection, "trades", id=number, session_id=1)
    poller = await Poller.start(database_url)
    yield poller
    await poller.connection.close()


CORRECTIONS = {
    "updated": "UPDATE trades SET pnl = 0 WHERE id = 1",
    "deleted": "DELETE FROM trades WHERE id = 1",
    "moved": "UPDATE trades SET id = 3 WHERE id = 11",
    "detached": "ALTER TABLE trades DETACH PARTITION trades_1",
    "attached": "CREATE TABLE more PARTITION OF trades FOR VALUES FROM (100) TO (200)",
    "one emptied": "TRUNCATE trades_1",
}


@pytest.mark.parametrize("correction", CORRECTIONS.values(), ids=CORRECTIONS)
async def test_a_correction_in_a_partition_is_noticed(
    poller: Poller, connection: asyncpg.Connection, correction: str
) -> None:
    await connection.execute(correction)
    await connection.close()  # its counters are reported at the end of the session, at the latest
    found: set[str] = set()

    async def is_noticed() -> bool:
        found.update(await poller.watch.corrections(poller.connection))
        return "trades" in found

    await until(is_noticed)
    assert poller.watch.cursors["trades"].watermark >= 11
    assert found == {"trades"}


async def test_all_partitions_are_emptied(poller: Poller, connection: asyncpg.Connection) -> None:
    await connection.execute("TRUNCATE trades")
    assert await poller.watch.corrections(poller.connection) == {"trades"}
    assert poller.watch.cursors["trades"].watermark == 0
