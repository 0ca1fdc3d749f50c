"""How soon an open position is found that nobody watched."""

import asyncpg
import pytest

from monitoring.changes import open_look
from monitoring.changes.open_look import OpenLook
from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import Capabilities
from tests.rows import insert


@pytest.fixture
async def watch(connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> TableCursors:
    """Of a table that is so long that looks are hours apart."""
    monkeypatch.setattr(open_look, "MAX_PROCESSOR_SHARE", 1e-9)
    await insert(connection, "trading_sessions", mode="LIVE")
    for _ in range(2):
        await insert(connection, "positions", session_id=1, status="CLOSED")
    return await TableCursors.start(connection, await Capabilities.read(connection), (), SYSTEM_CLOCK)


async def reopen(connection: asyncpg.Connection, number: int) -> None:
    await connection.execute("UPDATE positions SET status = 'OPEN' WHERE id = $1", number)


async def test_after_a_restart_every_poll_looks(connection: asyncpg.Connection, watch: TableCursors) -> None:
    look = OpenLook(SYSTEM_CLOCK)
    assert not await look.finds(connection, watch)
    await reopen(connection, 1)
    assert not await look.finds(connection, watch)
    look.restarted()
    assert await look.finds(connection, watch)
    await reopen(connection, 2)
    assert await look.finds(connection, watch)


async def test_the_first_look_comes_at_once(connection: asyncpg.Connection, watch: TableCursors) -> None:
    await reopen(connection, 1)
    assert await OpenLook(SYSTEM_CLOCK).finds(connection, watch)
