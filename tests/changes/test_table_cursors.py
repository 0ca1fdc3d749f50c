"""What the feed notices, commit by commit."""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from monitoring.changes.change_set import ChangeSet
from monitoring.changes.identity import identity_of
from monitoring.changes.snapshot_token import read_token
from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import Capabilities
from tests.rows import insert
from tests.waiting import until


class Poller:
    """A watch polled by hand."""

    def __init__(self, url: str, connection: asyncpg.Connection, watch: TableCursors) -> None:
        self.url = url
        self.connection = connection
        self.watch = watch

    @classmethod
    async def start(cls, url: str) -> "Poller":
        connection = await asyncpg.connect(url)
        capabilities = await Capabilities.read(connection)
        identity = await identity_of(connection)
        return cls(url, connection, await TableCursors.start(connection, capabilities, identity, SYSTEM_CLOCK))

    async def poll(self) -> ChangeSet:
        return await self.watch.read(self.connection, await read_token(self.connection, clock=SYSTEM_CLOCK))


@pytest.fixture
async def poller(connection: asyncpg.Connection, database_url: str) -> AsyncIterator[Poller]:
    await insert(connection, "trading_sessions", mode="LIVE")
    await insert(connection, "positions", session_id=1, status="OPEN")
    await insert(connection, "system_control_flags", name="system_halt", active=False)
    poller = await Poller.start(database_url)
    yield poller
    await poller.connection.close()


async def test_nothing_new_is_nothing(poller: Poller) -> None:
    assert not await poller.poll()


async def test_new_rows_carry_their_session(poller: Poller, connection: asyncpg.Connection) -> None:
    number = await insert(connection, "trades", session_id=1)
    changes = await poller.poll()
    assert [(row.id, row.session) for row in changes.rows["trades"]] == [(number, 1)]
    assert not await poller.poll()


async def test_a_price_moving_in_an_open_position(poller: Poller, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE positions SET current_price = 51000")
    changes = await poller.poll()
    assert [(row.id, row.is_new, row.finished) for row in changes.rows["positions"]] == [(1, False, False)]


async def test_a_position_closing_is_told_once(poller: Poller, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE positions SET status = 'CLOSED'")
    assert (await poller.poll()).rows["positions"][0].finished
    assert "positions" not in (await poller.poll()).rows


async def test_the_kill_switch(poller: Poller, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE system_control_flags SET active = true")
    assert "system_control_flags" in (await poller.poll()).rows


async def test_an_ending_session(poller: Poller, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE trading_sessions SET end_time = $1", SYSTEM_CLOCK.now())
    assert (await poller.poll()).rows["trading_sessions"][0].finished


async def test_a_deleted_open_position(poller: Poller, connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM positions")
    assert "positions" in (await poller.poll()).corrected


async def test_an_emptied_table(poller: Poller, connection: asyncpg.Connection) -> None:
    await insert(connection, "trades", session_id=1)
    await poller.poll()
    await connection.execute("TRUNCATE trades")
    assert "trades" in await poller.watch.corrections(poller.connection)


async def test_a_corrected_old_trade(poller: Poller, connection: asyncpg.Connection) -> None:
    await insert(connection, "trades", session_id=1)
    await poller.poll()
    await connection.execute("UPDATE trades SET pnl = 0")
    await connection.close()  # its counters are reported at the end of the session, at the latest

    async def is_noticed() -> bool:
        return "trades" in await poller.watch.corrections(poller.connection)

    await until(is_noticed)


async def test_no_commit_is_missed_whatever_the_order(poller: Poller, database_url: str) -> None:
    """Writers with savepoints, rollbacks and commits out of order; every committed id is told exactly once."""
    told: list[int] = []

    async def write(seed: int) -> None:
        dice = random.Random(seed)
        connection = await asyncpg.connect(database_url)
        for _ in range(40):
            transaction = connection.transaction()
            await transaction.start()
            await insert(connection, "trades", session_id=1)
            if dice.random() < 0.3:
                inner = connection.transaction()
                await inner.start()
                await insert(connection, "trades", session_id=1)
                await (inner.rollback() if dice.random() < 0.5 else inner.commit())
            await asyncio.sleep(dice.random() * 0.02)
            await (transaction.rollback() if dice.random() < 0.2 else transaction.commit())
        await connection.close()

    async def read(writers: "asyncio.Future[list[None]]") -> None:
        while True:
            last = writers.done()
            changes = await poller.poll()
            told.extend(row.id for row in changes.rows.get("trades", []))
            if last:
                return
            await asyncio.sleep(0.005)

    writers = asyncio.gather(*(write(seed) for seed in range(5)))
    await read(writers)
    committed = [row["id"] for row in await poller.connection.fetch("SELECT id FROM trades")]
    assert sorted(told) == sorted(committed)


async def test_a_closed_position_moved_while_another_changes(
    poller: Poller, connection: asyncpg.Connection, database_url: str
) -> None:
    """The server's counters move for the one as for the other."""
    session = await insert(connection, "trading_sessions", mode="LIVE")
    closed = await insert(connection, "positions", session_id=1, status="CLOSED")
    later = await Poller.start(database_url)

    async def is_told() -> bool:
        await connection.execute("UPDATE positions SET current_price = current_price + 1 WHERE status = 'OPEN'")
        changes = await later.poll()
        await later.watch.corrections(later.connection)
        await later.watch.track_rewritten(later.connection)
        return any((row.id, row.session) == (closed, session) for row in changes.rows.get("positions", ()))

    assert not await is_told()
    await connection.execute("UPDATE positions SET session_id = $2 WHERE id = $1", closed, session)
    await until(is_told)
    await later.connection.close()
