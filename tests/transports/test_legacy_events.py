"""The update events that programs get: new trades, corrected ones, changed positions, and the metrics."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from monitoring.changes.change_set import ChangeSet, NewRow
from monitoring.database.errors import DatabaseUnavailable
from monitoring.reading.reader import Reader
from monitoring.scope import Scope
from tests.faults.page import Page, dashboard
from tests.history import seed_account
from tests.rows import ago, insert, now
from tests.streaming import EventReader, stream
from tests.waiting import waiting


class Program:
    """Reads the update events of one stream, and keeps what they said last."""

    def __init__(self, events: EventReader) -> None:
        self.trades: dict[int, float] = {}
        """The gross P&L of each trade, by id, as it was sent last."""
        self.metrics: dict[str, Any] = {}
        self.removed: set[int] = set()
        self.closed: set[int] = set()
        self.open: set[int] = set()
        self._events = events

    async def until(self, condition: Callable[[], Any]) -> None:
        async with waiting():
            while not condition():
                self._take(*await self._events.next())

    def _take(self, event: str, payload: dict[str, Any]) -> None:
        match event:
            case "trade_update":
                self.trades |= {trade["id"]: trade["pnl"] for trade in payload["trades"]}
                self.removed |= set(payload.get("removed", ()))
            case "position_update":
                self.closed |= set(payload["closed"])
                self.open |= {position["id"] for position in payload["positions"]}
            case "metrics_update":
                self.metrics = payload


@pytest.fixture
async def page(connection: asyncpg.Connection, database_url: str) -> AsyncIterator[Page]:
    await seed_account(connection)
    async with dashboard(database_url) as opened:
        await opened.is_fresh()
        yield opened


@pytest.fixture
async def program(page: Page) -> AsyncIterator[Program]:
    async with stream(page.client, "/events?payload=1") as events:
        listening = Program(events)
        await listening.until(lambda: listening.metrics)
        yield listening


async def test_programs_hear_of_new_trades_and_of_corrected_ones(
    program: Program, connection: asyncpg.Connection
) -> None:
    session = await connection.fetchval("SELECT max(id) FROM trading_sessions")
    number = await insert(connection, "trades", session_id=session, pnl=7, exit_time=now())
    await program.until(lambda: number in program.trades and program.metrics.get("total_trades") == 41)
    before = program.metrics["total_pnl"]
    await connection.execute("UPDATE trades SET pnl = 1007 WHERE id = $1", number)
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await program.until(lambda: program.trades[number] == 1007)
    await program.until(lambda: program.metrics["total_pnl"] == before + 1000)


async def test_a_breakeven_trade_that_arrives_is_no_loss(program: Program, connection: asyncpg.Connection) -> None:
    """What it made pays for its fees alone."""
    before = program.metrics
    session = await connection.fetchval("SELECT max(id) FROM trading_sessions")
    await insert(connection, "trades", session_id=session, pnl=2, commission=2, exit_time=now())
    await program.until(lambda: program.metrics["total_trades"] == 41)
    kinds = ("winning_trades", "losing_trades", "breakeven_trades")
    assert [program.metrics[kind] - before[kind] for kind in kinds] == [0, 0, 1]


async def test_metrics_that_could_not_be_read_are_sent_later(
    program: Program, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection was lost at that moment: no nulls are sent, after which nothing might follow for long."""
    read, lost = Reader.context, asyncio.Event()

    @asynccontextmanager
    async def loses_once(reader: Reader, scope: Scope, *arguments: Any, **how: Any) -> AsyncIterator[object]:
        if asyncio.current_task() in tasks and not lost.is_set():
            lost.set()
            raise DatabaseUnavailable("the connection was lost")
        async with read(reader, scope, *arguments, **how) as context:
            yield context

    tasks = [task for task in asyncio.all_tasks() if task.get_name() == "updates"]
    monkeypatch.setattr(Reader, "context", loses_once)
    await insert(connection, "trades", session_id=1, exit_time=now())
    await program.until(lambda: program.metrics["total_trades"] == 41)
    assert lost.is_set()


async def test_programs_hear_that_another_bot_is_the_current_one(
    program: Program, connection: asyncpg.Connection
) -> None:
    """The other bot has no new rows; then the first one, which had ended, goes on after all."""
    first = await connection.fetchval("SELECT id FROM trading_sessions")
    await insert(connection, "trading_sessions", mode="LIVE", strategy_name="other", start_time=now())
    await connection.execute("UPDATE trading_sessions SET end_time = $2 WHERE id = $1", first, ago(minutes=20))
    await program.until(lambda: program.metrics.get("total_trades") == 0)
    await connection.execute("UPDATE trading_sessions SET end_time = NULL WHERE id = $1", first)
    await program.until(lambda: program.metrics["total_trades"] == 40)


async def test_a_position_that_a_restart_moves_is_not_closed(
    page: Page, program: Program, connection: asyncpg.Connection
) -> None:
    """In whatever order the changes of the new and of the old session arrive, as after an outage."""
    first = await connection.fetchval("SELECT id FROM trading_sessions")
    moved = await insert(connection, "positions", session_id=first, status="OPEN")
    await program.until(lambda: moved in program.open)
    program.open.clear()
    for finished in (False, True):
        page.parts.legacy_events.changed(
            ChangeSet({"positions": [NewRow(moved, first, is_new=False, finished=finished)]})
        )
    await program.until(lambda: moved in program.open | program.closed)
    assert not program.closed


async def test_programs_hear_of_positions_that_were_deleted(
    page: Page, program: Program, connection: asyncpg.Connection
) -> None:
    session = await connection.fetchval("SELECT max(id) FROM trading_sessions")
    kept, wrong = [await insert(connection, "positions", session_id=session, status="OPEN") for _ in range(2)]
    await program.until(lambda: program.open >= {kept, wrong})
    await connection.execute("DELETE FROM positions WHERE id = $1", wrong)
    await program.until(lambda: program.closed == {wrong})
    assert (await page.json("/api/positions"))[0]["id"] == kept
