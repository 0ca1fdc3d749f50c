"""Programs that follow the update events know what is there after everything was read again, and what is gone."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.page import Page
from tests.faults.reader import READER
from tests.faults.test_outages import engine
from tests.faults.wire import Wire
from tests.rows import ago, insert, now
from tests.streaming import stream
from tests.transports.test_legacy_events import Program


@pytest.fixture
async def program(page: Page) -> AsyncIterator[Program]:
    """It has read all trades and open positions by calls, and heard of none by events."""
    async with stream(page.client, "/events?payload=1") as events:
        listening = Program(events)
        await listening.until(lambda: listening.metrics)
        assert not listening.trades
        assert not listening.open
        yield listening


async def ids_of(page: Page, path: str) -> set[int]:
    return {row["id"] for row in await page.json(path)}


async def test_a_restored_backup(
    page: Page,
    program: Program,
    server: EmbeddedServer,
    template_database: str,
    database_url: str,
    connection: asyncpg.Connection,
) -> None:
    trades, positions = await ids_of(page, "/api/trades"), await ids_of(page, "/api/positions")
    name = await connection.fetchval("SELECT current_database()")
    await server.create_database("backup", template_database)
    async with engine(server.url("backup")) as backup:
        session = await insert(backup, "trading_sessions", mode="LIVE", start_time=ago(days=1))
        kept = [await insert(backup, "trades", session_id=session, pnl=5, exit_time=now()) for _ in range(3)]
        await backup.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}")
    await server.drop_database(name)
    await server.rename_database("backup", name)
    await program.until(lambda: program.metrics["total_trades"] == 3)
    await program.until(lambda: program.closed >= positions and program.removed >= trades - set(kept))
    assert set(kept) <= program.trades.keys()
    assert not program.removed & set(kept)


async def test_rows_cleaned_up_while_the_dashboard_heard_nothing(
    page: Page, program: Program, wire: Wire, database_url: str, account: int
) -> None:
    """A position was closed, and the operator deleted it with the older trades."""
    positions = await ids_of(page, "/api/positions")
    wire.swallow()
    async with engine(database_url) as connection:
        await connection.execute("UPDATE positions SET status = 'CLOSED'")
        new = await insert(connection, "trades", session_id=account, pnl=5, exit_time=now())
        await connection.execute("DELETE FROM orders; DELETE FROM positions")
        await connection.execute("DELETE FROM trades WHERE id <= 30")
    wire.reset()
    wire.pass_on()
    await program.until(lambda: program.closed >= positions and new in program.trades)
    await program.until(lambda: program.removed == set(range(1, 31)) and program.metrics["total_trades"] == 11)


async def test_another_bot_is_the_current_one(
    page: Page, program: Program, connection: asyncpg.Connection, account: int
) -> None:
    trades, positions = await ids_of(page, "/api/trades"), await ids_of(page, "/api/positions")
    other = await insert(connection, "trading_sessions", mode="LIVE", strategy_name="other", start_time=ago(minutes=1))
    opened = await insert(connection, "positions", session_id=other)
    await connection.execute("UPDATE trading_sessions SET end_time = $2 WHERE id = $1", account, ago(minutes=20))
    await program.until(lambda: opened in program.open and program.closed >= positions)
    await program.until(lambda: program.removed >= trades and program.metrics["total_trades"] == 0)


async def test_a_trade_that_names_no_session_is_not_told_as_gone(
    page: Page, program: Program, connection: asyncpg.Connection, account: int
) -> None:
    """It belongs to the session of its position."""
    position = await connection.fetchval("SELECT id FROM positions")
    stays = await insert(connection, "trades", session_id=None, position_id=position, pnl=5, exit_time=now())
    goes = await insert(connection, "trades", session_id=account, pnl=5, exit_time=now())
    await program.until(lambda: {stays, goes} <= program.trades.keys())
    await connection.execute("DELETE FROM trades WHERE id = $1", goes)
    await program.until(lambda: goes in program.removed)
    assert program.removed == {goes}
