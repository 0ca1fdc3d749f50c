"""The one way in which pages and calls read: a session, its refreshed ledger, and the facts that all share."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from monitoring.clock import utc_now
from monitoring.database.errors import SCHEMA_CHANGED, DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.ledger import Ledger, Ledgers
from monitoring.metrics.catalogue import CATALOGUE, Metric
from monitoring.metrics.facts import Facts, Session
from monitoring.realtime.hub import Hub
from monitoring.scope import CURRENT, Scope, find_session, list_sessions
from monitoring.sections.facts import read_facts
from monitoring.sections.section import Context

FACTS_AGE = 1.0
"""Seconds for which facts stay good when nothing has changed but the time."""
MOST_SESSIONS = 256


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: Facts
    changes: int
    made: float


class Reader:
    """Reads sessions, facts and contexts; facts are read once a change, whoever asks."""

    def __init__(self, database: Database, ledgers: Ledgers, hub: Hub, metrics: tuple[Metric, ...] = CATALOGUE) -> None:
        self.database = database
        self.ledgers = ledgers
        self.hub = hub
        self.metrics = metrics
        """The catalogue, and whatever the operator added."""
        self._sessions: dict[str, Session | None] = {}
        self._good: set[str] = set()
        """Which of them are known to be as the database has them; the others are the last known."""
        self._failed: set[int] = set()
        self._facts: dict[int, _Kept] = {}
        self._locks: dict[int, asyncio.Lock] = {}

    def forget_sessions(self) -> None:
        """A row of ``trading_sessions`` changed."""
        self._good = set()

    def failed(self) -> set[int]:
        """Sessions that could not be read since the last call: whoever looks at them shows old figures."""
        failed, self._failed = self._failed, set()
        return failed

    def clear(self) -> None:
        """The database is another one."""
        self._sessions.clear()
        self._good = set()
        self._facts.clear()
        self.ledgers.clear()

    async def session(self, requested: str) -> Session | None:
        """The session asked for, or as it was last known; None when the database holds none.

        Raises UnknownSession, TableMissing, and DatabaseUnavailable where it was never known.
        """
        if requested in self._good:
            return self._sessions[requested]
        try:
            return await self.find(requested)
        except DatabaseUnavailable:
            if requested not in self._sessions:
                raise
            return self._sessions[requested]

    async def find(self, requested: str) -> Session | None:
        """The session as the database has it now. Raises UnknownSession, TableMissing, DatabaseUnavailable."""
        good = self._good
        async with self.database.acquire() as connection:
            session = await find_session(connection, self.database.capabilities, requested)
        if good is not self._good:
            # A change came while we read, which this may or may not show: the next one looks again.
            return session
        if len(self._sessions) >= MOST_SESSIONS:
            self._sessions.clear()
            good.clear()
        self._sessions[requested] = session
        good.add(requested)
        if requested == CURRENT:
            self.hub.switch(session.id if session else None)
        return session

    async def sessions(self) -> list[Session]:
        """What the session switcher offers."""
        async with self.database.acquire() as connection:
            return await list_sessions(connection, self.database.capabilities)

    @asynccontextmanager
    async def context(self, scope: Scope, arguments: Mapping[str, str] | None = None) -> AsyncIterator[Context]:
        """Everything a section reads from, over one connection. Raises DatabaseUnavailable."""
        ledger = self.ledgers.of(scope.session)
        try:
            async with self.database.acquire() as connection:
                try:
                    facts = await self._facts_of(connection, ledger)
                except SCHEMA_CHANGED:
                    await self.database.read_schema(connection)
                    facts = await self._facts_of(connection, ledger)
                capabilities = self.database.capabilities
                yield Context(connection, capabilities, scope, ledger, facts, facts.now, self.metrics, arguments or {})
        except DatabaseUnavailable:
            self._failed.add(scope.session.id)
            raise

    async def _facts_of(self, connection: asyncpg.Connection, ledger: Ledger) -> Facts:
        number = ledger.session.id
        async with self._locks.setdefault(number, asyncio.Lock()):
            kept = self._facts.get(number)
            changes = self.hub.changes(number)
            fresh = kept is not None and time.monotonic() - kept.made < FACTS_AGE
            if kept is not None and fresh and kept.changes == changes:
                return kept.facts
            assert self.database.server is not None
            await ledger.refresh(connection, self.database.capabilities, self.database.server.standby)
            if ledger.reading:
                self.ledgers.wake()
            facts = await read_facts(connection, self.database.capabilities, ledger, utc_now())
            self._facts[number] = _Kept(facts, changes, time.monotonic())
            return facts
