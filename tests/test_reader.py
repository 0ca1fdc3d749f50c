"""The one way in which everybody reads: of the row that the session has now, whoever asks and whenever they came."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database
from monitoring.metrics.facts import Session
from monitoring.projections import Projections
from monitoring.reading.reader import Reader
from monitoring.scope import Scope
from monitoring.scope_key import CURRENT
from monitoring.sections.section import Context
from monitoring.signals.hub import Hub
from tests.history import seed_account


@pytest.fixture
async def reader(database: Database, connection: asyncpg.Connection) -> AsyncIterator[Reader]:
    await seed_account(connection)
    return Reader(database, Projections(database, SYSTEM_CLOCK), Hub(("trade_list",), SYSTEM_CLOCK), SYSTEM_CLOCK)


async def read(reader: Reader, session: Session, *, facts: bool = True) -> Context:
    async with reader.context(Scope(session, CURRENT), facts=facts) as context:
        return context


async def test_who_came_before_the_session_ended_takes_nothing_back(
    reader: Reader, connection: asyncpg.Connection
) -> None:
    running = await reader.session(CURRENT)
    assert running is not None
    assert (await read(reader, running)).facts.session == running
    await connection.execute("UPDATE trading_sessions SET end_time = now() AT TIME ZONE 'utc'")
    reader.forget_sessions()
    reader.hub.publish(None, ["trade_list"])
    ended = await reader.session(CURRENT)
    assert ended is not None
    assert ended.end is not None
    late, in_time = await asyncio.gather(read(reader, running, facts=False), read(reader, ended))
    assert in_time.facts.session == ended
    assert late.state.session == ended
