"""The one way in which everybody reads: of the row that the session has now, whoever asks and whenever they came."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database
from monitoring.ledger import Ledger, Ledgers
from monitoring.metrics.facts import Session
from monitoring.reader import Reader
from monitoring.realtime.hub import Hub
from monitoring.scope import Scope
from monitoring.sections.section import Context
from tests.history import seed_account
from tests.rows import insert
from tests.waiting import until


@pytest.fixture
async def reader(database: Database, connection: asyncpg.Connection) -> AsyncIterator[Reader]:
    await seed_account(connection)
    return Reader(
        database, Ledgers(database, SYSTEM_CLOCK, lambda _session: None), Hub(("trades",), SYSTEM_CLOCK), SYSTEM_CLOCK
    )


async def read(reader: Reader, session: Session, *, facts: bool = True) -> Context:
    async with reader.context(Scope(session, "current"), facts=facts) as context:
        return context


async def test_who_came_before_the_session_ended_takes_nothing_back(
    reader: Reader, connection: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await reader.session("current")
    assert running is not None
    assert (await read(reader, running)).facts.session == running
    await connection.execute("UPDATE trading_sessions SET end_time = now() AT TIME ZONE 'utc'")
    reader.forget_sessions()
    reader.hub.publish(None, ["trades"])
    ended = await reader.session("current")
    assert ended is not None
    assert ended.end is not None
    ledger = (await read(reader, ended)).ledger
    reader.hub.publish(None, ["trades"])
    waiting, refresh = [0], Ledger.refresh

    async def waits(waiter: Ledger, *arguments: Any) -> None:
        waiting[0] += 1
        await refresh(waiter, *arguments)

    monkeypatch.setattr(Ledger, "refresh", waits)
    await insert(connection, "system_events", session_id=ended.id)
    async with connection.transaction():
        await connection.execute("LOCK TABLE trades IN ACCESS EXCLUSIVE MODE")
        other = await asyncpg.connect(database_url)
        refreshing = asyncio.create_task(refresh(ledger, other, reader.database.capabilities, standby=False))
        in_time = asyncio.create_task(read(reader, ended))
        late = asyncio.create_task(read(reader, running, facts=False))
        await until(lambda: waiting[0] == 2)
        assert not refreshing.done()
    await refreshing
    await other.close()
    assert (await in_time).facts.session == ended
    assert (await late).ledger.session == ended
