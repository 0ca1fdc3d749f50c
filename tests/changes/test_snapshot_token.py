"""Which ids may still appear: an id is pending exactly as long as a transaction runs that may bring it."""

import asyncpg
import pytest

from monitoring.changes import snapshot_token
from monitoring.changes.change_set import ChangeSet
from monitoring.changes.identity import identity_of
from monitoring.changes.snapshot_token import IdCursor, SnapshotToken, read_token, with_running
from monitoring.changes.table_cursors import MAX_NEW_ROWS, TableCursors
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import Capabilities
from tests.rows import insert, now
from tests.waiting import until

FILL = """
INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, entry_time, exit_time, pnl, pnl_percent,
                    strategy_name)
SELECT 'BTCUSDT', 'LONG', 'LIVE', 1, 1, 0.1, now(), now(), 1, 1, 'x' FROM generate_series(1, $1)
"""


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_token, "PENDING_GRACE_SECONDS", 0.0)


async def watch_over(connection: asyncpg.Connection) -> TableCursors:
    return await TableCursors.start(
        connection, await Capabilities.read(connection), await identity_of(connection), SYSTEM_CLOCK
    )


async def poll(connection: asyncpg.Connection, watch: TableCursors) -> ChangeSet:
    return await watch.read(connection, await read_token(connection, clock=SYSTEM_CLOCK))


def told(changes: ChangeSet) -> list[int]:
    return [row.id for row in changes.rows.get("trades", ())]


async def test_a_gap_is_kept_while_a_younger_transaction_may_fill_it(
    connection: asyncpg.Connection, database_url: str
) -> None:
    """``xmax`` of a snapshot says nothing of transactions that are younger than the newest completed one."""
    older, younger = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    watch = await watch_over(connection)
    first, second = older.transaction(), younger.transaction()
    await first.start()
    await insert(older, "system_events")
    await second.start()
    pending = await insert(younger, "trades")
    before = await read_token(connection, clock=SYSTEM_CLOCK)
    number = await insert(older, "trades")
    await first.commit()
    assert told(await watch.read(connection, before)) == [number]
    for _ in range(3):
        await insert(older, "system_events")
        assert not told(await poll(connection, watch))
    await second.commit()
    assert told(await poll(connection, watch)) == [pending]
    await older.close()
    await younger.close()


async def test_a_gap_is_not_judged_by_who_never_looked_who_runs(
    connection: asyncpg.Connection, database_url: str
) -> None:
    """The newest transaction runs and will fill it: a snapshot alone does not show it."""
    older, younger = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    first, second = older.transaction(), younger.transaction()
    await first.start()
    await insert(older, "system_events")
    await second.start()
    pending = await insert(younger, "trades")
    await insert(older, "trades")
    await first.commit()
    tail = await snapshot_token.start_cursor(connection, "trades", SYSTEM_CLOCK)
    for _ in range(3):
        tail.settle(await read_token(connection, clock=SYSTEM_CLOCK))
    assert pending in tail.pending_ids
    for _ in range(3):
        tail.settle(await with_running(connection, await read_token(connection, clock=SYSTEM_CLOCK)))
    assert pending in tail.pending_ids
    await second.rollback()

    async def is_dropped() -> bool:
        tail.settle(await read_token(connection, clock=SYSTEM_CLOCK))
        return not tail.pending_ids

    await until(is_dropped)
    await older.close()
    await younger.close()


async def test_an_id_that_is_written_late_stays_pending(
    connection: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_token, "PENDING_GRACE_SECONDS", 3600.0)
    late, watch = await asyncpg.connect(database_url), await watch_over(connection)
    transaction = late.transaction()
    await insert(connection, "trades")  # which makes the server log some numbers in advance
    await transaction.start()
    number = await late.fetchval("SELECT nextval('trades_id_seq')")
    assert await late.fetchval("SELECT pg_current_xact_id_if_assigned()") is None
    for _ in range(3):
        await insert(connection, "trades")
        await poll(connection, watch)
    await insert(late, "trades", id=number)
    monkeypatch.setattr(snapshot_token, "PENDING_GRACE_SECONDS", 0.0)
    for _ in range(3):
        await insert(connection, "trades")
        await poll(connection, watch)
    await transaction.commit()
    assert number in told(await poll(connection, watch))
    await late.close()


async def test_a_gap_is_dropped_once_nobody_can_fill_it(connection: asyncpg.Connection) -> None:
    watch = await watch_over(connection)
    transaction = connection.transaction()
    await transaction.start()
    await insert(connection, "trades")
    await transaction.rollback()
    await insert(connection, "trades")
    await poll(connection, watch)
    assert watch.cursors["trades"].pending_ids
    for _ in range(2):
        await insert(connection, "system_events")
        await poll(connection, watch)
    assert not watch.cursors["trades"].pending_ids


async def test_a_gap_too_large_to_list_has_the_table_read_again(
    connection: asyncpg.Connection, database_url: str
) -> None:
    other = await asyncpg.connect(database_url)
    watch = await watch_over(connection)
    import_ = other.transaction()
    await import_.start()
    await other.execute(FILL, snapshot_token.MAX_PENDING_IDS + 500)
    await insert(connection, "trades")
    assert len(told(await poll(connection, watch))) == 1
    await insert(connection, "system_events")
    assert not (await poll(connection, watch)).corrected
    await import_.commit()
    changes = await poll(connection, watch)
    assert len(told(changes)) == snapshot_token.MAX_PENDING_IDS
    assert changes.corrected == {"trades"}
    await other.close()


async def test_a_burst_is_told_whole(connection: asyncpg.Connection) -> None:
    watch = await watch_over(connection)
    await connection.execute(FILL, MAX_NEW_ROWS + 10)
    first = await poll(connection, watch)
    assert first.more
    second = await poll(connection, watch)
    assert not second.more
    assert sorted(told(first) + told(second)) == list(range(1, MAX_NEW_ROWS + 11))


async def test_more_live_rows_than_new_ones_are_read_at_once(connection: asyncpg.Connection) -> None:
    """What is alive must never crowd out what is new."""
    await insert(connection, "trading_sessions")
    watch = await watch_over(connection)
    watch.cursors["trades"].pending_ids = dict.fromkeys(range(-MAX_NEW_ROWS - 5, 0), snapshot_token.PendingId(0.0))
    number = await insert(connection, "trades")
    assert told(await poll(connection, watch)) == [number]


@pytest.mark.parametrize(
    ("lower_half", "near", "whole"),
    [
        (5, 7, 5),
        (7, 5, 7),
        ((1 << 32) - 2, (1 << 32) + 3, (1 << 32) - 2),
        (3, (1 << 32) - 2, (1 << 32) + 3),
        (9, (5 << 32) + 4, (5 << 32) + 9),
    ],
)
def test_transactions_of_pg_locks_are_found_across_a_wraparound(lower_half: int, near: int, whole: int) -> None:
    assert snapshot_token.whole_id(lower_half, near) == whole


async def test_the_horizon_lies_behind_everyone_who_runs(connection: asyncpg.Connection, database_url: str) -> None:
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        running = await other.fetchval("SELECT pg_current_xact_id()::text::bigint")
        gate = await with_running(connection, await read_token(connection, clock=SYSTEM_CLOCK))
        assert gate.horizon is not None
        assert gate.horizon > running
    await other.close()


def test_a_gate_of_another_server_is_another_gate() -> None:
    gate = SnapshotToken(now(), "5:5:")
    assert gate.same(SnapshotToken(gate.started, "5:5:"))
    assert not gate.same(SnapshotToken(now(), "5:5:"))
    assert not gate.same(None)


def test_a_tail_goes_on_from_where_it_stood() -> None:
    tail = IdCursor()
    tail.start(10, [8, 10], SYSTEM_CLOCK)
    assert tail.arguments == (10, [1, 2, 3, 4, 5, 6, 7, 9])
    tail.saw([9, 12], SYSTEM_CLOCK)
    assert tail.watermark == 12
    assert set(tail.pending_ids) == {1, 2, 3, 4, 5, 6, 7, 11}
