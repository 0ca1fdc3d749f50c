"""The one way in which pages and calls read: a session, what the projections know of it, the facts that all share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import asyncpg

from monitoring.bots.current import current
from monitoring.bots.deleted_sessions import DeletedSessions
from monitoring.bots.neighbours import Neighbours, neighbours
from monitoring.bots.roster import Roster, heard_since, read_roster
from monitoring.changes.change_set import ChangeSet
from monitoring.clock import Clock
from monitoring.configfile import ConfigFile
from monitoring.database.capabilities import Capabilities
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.database.source import Source
from monitoring.lru import Lru
from monitoring.metrics.catalogue import CATALOGUE, Evaluation, Metric, evaluate
from monitoring.metrics.facts import Facts, Session
from monitoring.metrics.health import ended_state
from monitoring.projections import Projections, ScopeState
from monitoring.reading.local_times import LocalTimes
from monitoring.reading.rereads import Rereads
from monitoring.reading.shown import Shown
from monitoring.scope import Scope, read_config
from monitoring.scope_key import CURRENT, BotScope, CurrentScope, ScopeKey, UnknownSession
from monitoring.sections.fact_cache import FactCache
from monitoring.sections.facts import read_facts
from monitoring.sections.section import Context, FactsRead, Reading
from monitoring.signals.hub import Hub
from monitoring.single_flight import SingleFlight

MAX_FACTS_AGE_SECONDS = 1.0
"""Facts are read again after so long, though nothing has changed but the time."""
MAX_KEPT_SESSIONS = 256
NO_CONFIG = ConfigFile()
NO_ROSTER: Roster | None = None

T = TypeVar("T")
MAX_KEPT_SCOPES = 64
"""Scopes whose facts are kept."""


@dataclass(frozen=True, slots=True)
class _Known:
    state: ScopeState
    facts: FactsRead | None
    now: datetime
    changes: int
    made: float
    """``monotonic`` when it had been read."""

    def is_fresh(self, session: Session, changes: int, now: float) -> bool:
        """Whether these facts still hold, and are of this row of the session."""
        of_it = self.facts is not None and self.facts.facts.session == session
        return of_it and self.changes == changes and now - self.made < MAX_FACTS_AGE_SECONDS


class Reader:
    """Reads sessions, facts and contexts; facts are read once a change, whoever asks."""

    def __init__(
        self,
        database: Database,
        projections: Projections,
        hub: Hub,
        clock: Clock,
        metrics: tuple[Metric, ...] = CATALOGUE,
        config_file: ConfigFile = NO_CONFIG,
        state_dir: Path | None = None,
    ) -> None:
        self.database, self.projections, self.hub = database, projections, hub
        self.metrics, self.config_file = metrics, config_file
        self.shown, self._clock = Shown(metrics, state_dir), clock
        self._sessions: dict[ScopeKey, Session | None] = {}
        self._fresh: set[ScopeKey] = set()
        """Which of them are known to be as the database has them; the others are the last known."""
        self._finding: SingleFlight[ScopeKey, set[ScopeKey], Session | None] = SingleFlight()
        self._local_times, self._fact_cache = LocalTimes(database, projections, clock), FactCache(projections, clock)
        self._rereads, self._deleted, self._roster = Rereads(hub, clock), DeletedSessions(), NO_ROSTER
        """None where the sessions must be looked at again."""
        self._known: Lru[tuple[int, ...], _Known] = Lru(MAX_KEPT_SCOPES)
        self._reading: SingleFlight[tuple[ScopeKey, bool], tuple[Session, int], _Known] = SingleFlight()
        """By scope, with facts or without."""
        self._evaluated: tuple[Facts, tuple[Metric, ...], Evaluation] | None = None

    def forget_sessions(self) -> None:
        """A row of ``trading_sessions`` changed."""
        self._fresh, self._roster = set(), None

    def clear(self) -> None:
        """The database is another one."""
        self._sessions.clear()
        self.forget_sessions()
        self._deleted.clear()
        self._known.clear()

    async def session(self, requested: ScopeKey) -> Session | None:
        """The session or bot asked for, or as it was last known; None when the database holds none.

        Raises UnknownSession, TableMissing, and DatabaseUnavailable where it was never known.
        """
        if requested in self._fresh:
            return self._sessions[requested]
        try:
            return await asyncio.shield(self._find_once(requested))
        except DatabaseUnavailable:
            if requested not in self._sessions:
                raise
            last_known = self._sessions[requested]
            if last_known is not None:
                self._rereads.note_failure(last_known.newest)
            return last_known

    def is_fresh(self, scope: Scope) -> bool:
        """Whether the scope's session is known to be as the database has it."""
        return scope.key in self._fresh and self._sessions[scope.key] == scope.session

    def _find_once(self, requested: ScopeKey) -> asyncio.Task[Session | None]:
        """One look, however many ask at once; who asks after a change shares none that began before it."""
        return self._finding.join(
            requested, self._fresh, lambda: self.find(requested), lambda fresh: fresh is self._fresh
        )

    async def find(self, requested: ScopeKey) -> Session | None:
        """The session or bot as the database has it now.

        Raises UnknownSession, TableMissing, DatabaseUnavailable.
        """
        fresh = self._fresh

        async def look(connection: asyncpg.Connection, capabilities: Capabilities) -> Session | None:
            found = self._pick(await self._read_roster(connection, capabilities), requested)
            if found is None:
                return None
            return replace(found, config=await read_config(connection, capabilities, found.newest))

        session = await self.database.ask(look)
        if fresh is not self._fresh:
            # A change came while we read, which this may or may not show: the next one looks again.
            return session
        if len(self._sessions) >= MAX_KEPT_SESSIONS:
            self._sessions.clear()
            fresh.clear()
        self._sessions[requested] = session
        fresh.add(requested)
        self.hub.define(requested, session.ids if session else ())
        return session

    async def _read_roster(self, connection: asyncpg.Connection, capabilities: Capabilities) -> Roster:
        fresh, roster = self._fresh, self._roster
        if roster is None:
            roster = await read_roster(connection, capabilities, self.projections, self._clock.now())
            if fresh is self._fresh:
                self._roster = roster
                self._deleted.note(roster.chain_of)
        return roster

    def _pick(self, roster: Roster, requested: ScopeKey) -> Session | None:
        if isinstance(requested, CurrentScope):
            shown = current(roster.chains, self._clock.now())
            return roster.bot(shown) if shown else None
        is_bot = isinstance(requested, BotScope)
        session = self._deleted.successor(requested.id) if is_bot else requested.id
        if session not in roster.sessions:
            raise UnknownSession(str(requested))
        return roster.bot(roster.chain_of[session]) if is_bot else roster.sessions[session]

    def moved_sessions(self, changes: ChangeSet) -> bool:
        """Whether the rows may make other bots of the sessions: :meth:`forget_sessions` then."""
        return self._roster is None or self._roster.moved_by(changes)

    def time_moved_sessions(self) -> bool:
        """Whether, by time alone or by signs of life, another bot is current, or other sessions are one bot."""
        roster, shown = self._roster, self._sessions.get(CURRENT)
        if roster is None:
            return False
        now = self._clock.now()
        chain = current(roster.chains, now)
        moved = CURRENT in self._fresh and (chain and chain[0].id) != (shown and shown.id)
        return moved or heard_since(roster, self.projections, now)

    async def roster(self) -> Roster:
        """All sessions and bots. Raises TableMissing, DatabaseUnavailable."""
        return await self.database.ask(self._read_roster)

    async def read(
        self,
        scope: Scope,
        load: Callable[[Context], Awaitable[T]],
        arguments: Mapping[str, str] | None = None,
        *,
        facts: bool = True,
    ) -> T:
        """What ``load`` makes of a context, whatever happens to the schema meanwhile.

        Raises DatabaseUnavailable, and what ``load`` raises.
        """

        async def once() -> T:
            async with self.context(scope, arguments, facts=facts) as context:
                return await load(context)

        return await self.database.steady(once)

    def evaluation(self, facts: Facts) -> Evaluation:
        """The metrics that programs are sent; computed once from the same facts, whoever asks."""
        wanted = self.shown.enabled
        if self._evaluated is None or self._evaluated[0] is not facts or self._evaluated[1] is not wanted:
            self._evaluated = facts, wanted, evaluate(facts, wanted)
        return self._evaluated[2]

    @asynccontextmanager
    async def context(
        self, scope: Scope, arguments: Mapping[str, str] | None = None, *, facts: bool = True
    ) -> AsyncIterator[Context]:
        """Everything a section reads from, over one connection; whoever can begin again uses :meth:`read`.

        Raises DatabaseUnavailable.
        """
        try:
            known = await self._know(scope, facts)
            async with self.database.acquire() as connection:
                yield self._context(connection, known, scope, arguments or {})
        except DatabaseUnavailable:
            self._rereads.note_failure(scope.session.newest)
            raise

    def _context(
        self, connection: asyncpg.Connection, known: _Known, scope: Scope, arguments: Mapping[str, str]
    ) -> Context:
        return Context(
            connection=connection,
            capabilities=self.database.capabilities,
            state=known.state,
            now=known.now,
            scope=scope,
            facts_if_read=known.facts,
            metrics=self.metrics,
            arguments=arguments,
            neighbours=partial(self._neighbours, connection, known.state.session),
            config_file=self.config_file,
        )

    async def _know(self, scope: Scope, facts: bool) -> _Known:
        session = self._newest(scope)
        known, changes = self._known.get(session.ids), self.hub.versions.changes(session.ids)
        if known is not None and known.is_fresh(session, changes, self._clock.monotonic()):
            return known
        begun = session, changes
        reading = self._reading.join((scope.key, facts), begun, lambda: self._read_now(*begun, facts), begun.__eq__)
        return await asyncio.shield(reading)

    async def _read_now(self, session: Session, changes: int, facts: bool) -> _Known:
        await self.projections.settle()
        async with self.database.acquire() as connection:
            now, capabilities = self._clock.now(), self.database.capabilities
            state = await self.projections.state(Source(connection, capabilities), session, now)
            reading = Reading(connection, capabilities, state, now)
            found = await self._facts(reading) if facts else None
        known = _Known(found.state if found else state, found, now, changes, self._clock.monotonic())
        if found is None:
            return known
        self._rereads.note_state(found.facts)
        return self._known.put(session.ids, known)

    async def _facts(self, reading: Reading) -> FactsRead:
        found = await read_facts(reading, self._fact_cache)
        if ended_state(found.facts):
            return found
        session = reading.state.session
        offset = await self._local_times.offset(session.ids, session.timeframe, reading.now)
        return found if offset is None else replace(found, facts=replace(found.facts, zone_offset=offset))

    async def _neighbours(self, connection: asyncpg.Connection, session: Session) -> Neighbours:
        if session.mode != "LIVE":
            return Neighbours()
        roster, now = await self._read_roster(connection, self.database.capabilities), self._clock.now()
        found = neighbours(roster, self.projections, session.id, now)
        return await self._local_times.judged(found, roster, now)

    def _newest(self, scope: Scope) -> Session:
        """As the database has it, where that is known: who asks may have come before it changed."""
        found = self._sessions.get(scope.key) if scope.key in self._fresh else None
        return found or scope.session
