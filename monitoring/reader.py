"""The one way in which pages and calls read: a session, what the projections know of it, the facts that all share."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from weakref import WeakValueDictionary

import asyncpg

from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.metrics.catalogue import CATALOGUE, Evaluation, Metric, evaluate
from monitoring.metrics.facts import Facts, Session
from monitoring.projections import Projections, ScopeState, Source
from monitoring.realtime.hub import Hub
from monitoring.scope import CURRENT, Scope, find_session, list_sessions
from monitoring.sections.facts import read_facts
from monitoring.sections.section import Context
from monitoring.shown import Shown

FACTS_AGE = 1.0
"""Seconds for which facts stay good when nothing has changed but the time."""
MOST_SESSIONS = 256
SLOW = 0.5
"""Seconds of waiting for a failure that are worth sparing others; after a quicker one they try for themselves."""

T = TypeVar("T")
MOST_KNOWN = 64
"""Scopes whose facts are kept."""

_Read = tuple[ScopeState, Facts | None, datetime]


@dataclass(frozen=True, slots=True)
class _Known:
    state: ScopeState
    facts: Facts | None
    now: datetime
    changes: int
    made: float
    """``monotonic`` when it had been read."""

    def good(self, session: Session, changes: int, now: float) -> bool:
        """Whether these facts still hold, and are of this row of the session."""
        of_it = self.facts is not None and self.facts.session == session
        return of_it and self.changes == changes and now - self.made < FACTS_AGE


class Reader:
    """Reads sessions, facts and contexts; facts are read once a change, whoever asks."""

    def __init__(
        self,
        database: Database,
        projections: Projections,
        hub: Hub,
        clock: Clock,
        metrics: tuple[Metric, ...] = CATALOGUE,
    ) -> None:
        self.database = database
        self.projections = projections
        self.hub = hub
        self.metrics = metrics
        """The catalogue, and whatever the operator added."""
        self.shown = Shown(metrics)
        self._clock = clock
        self._sessions: dict[str, Session | None] = {}
        self._good: set[str] = set()
        """Which of them are known to be as the database has them; the others are the last known."""
        self._finding: dict[str, asyncio.Task[Session | None]] = {}
        """Those that are being looked up at present."""
        self.on_failed: Callable[[int], None] = lambda session: None
        """Hears of each session that could not be read, or looked up: whoever looks at it is shown old figures."""
        self.on_read: Callable[[Facts], None] = lambda facts: None
        """Hears of all facts that are read, and by that of what whoever looks is being shown."""
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._evaluated: tuple[Facts, tuple[Metric, ...], Evaluation] | None = None
        self._failed: dict[tuple[int, bool], tuple[float, str]] = {}
        """When the last attempt to read a session, with facts or without, failed after a long wait, and why."""
        self._locks: WeakValueDictionary[tuple[int, bool], asyncio.Lock] = WeakValueDictionary()

    def forget_sessions(self) -> None:
        """A row of ``trading_sessions`` changed."""
        self._good, self._finding = set(), {}

    def clear(self) -> None:
        """The database is another one."""
        self._sessions.clear()
        self.forget_sessions()
        self._known.clear()
        self._failed.clear()

    async def session(self, requested: str) -> Session | None:
        """The session asked for, or as it was last known; None when the database holds none.

        Raises UnknownSession, TableMissing, and DatabaseUnavailable where it was never known.
        """
        if requested in self._good:
            return self._sessions[requested]
        try:
            return await asyncio.shield(self._find_once(requested))
        except DatabaseUnavailable:
            if requested not in self._sessions:
                raise
            last_known = self._sessions[requested]
            if last_known is not None:
                self.on_failed(last_known.id)
            return last_known

    def is_good(self, scope: Scope) -> bool:
        """Whether the scope's session is known to be as the database has it."""
        return scope.requested in self._good and self._sessions[scope.requested] == scope.session

    def _find_once(self, requested: str) -> asyncio.Task[Session | None]:
        """One look, however many ask at once; who asks after a change shares none that began before it."""
        finding = self._finding
        if requested not in finding:
            finding[requested] = task = asyncio.create_task(self.find(requested), name=f"session {requested[:20]}")
            task.add_done_callback(lambda done: (finding.pop(requested), done.cancelled() or done.exception()))
        return finding[requested]

    async def find(self, requested: str) -> Session | None:
        """The session as the database has it now. Raises UnknownSession, TableMissing, DatabaseUnavailable."""
        good = self._good

        async def look(connection: asyncpg.Connection, capabilities: Capabilities) -> Session | None:
            return await find_session(connection, capabilities, requested)

        session = await self.database.ask(look)
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
        return await self.database.ask(list_sessions)

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
            known = await self._know(scope.session, facts)
            async with self.database.acquire() as connection:
                capabilities, own = self.database.capabilities, arguments or {}
                yield Context(connection, capabilities, scope, known.state, known.facts, known.now, self.metrics, own)
        except DatabaseUnavailable:
            self.on_failed(scope.session.id)
            raise

    async def _know(self, session: Session, facts: bool) -> _Known:
        asked, key = self._clock.monotonic(), (session.id, facts)
        # The lock first: who waits for it holds no connection that others could use.
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._known.get(session.id)
            changes = self.hub.changes(session.id)
            session = self._newest(session)
            if known is not None and known.good(session, changes, self._clock.monotonic()):
                return known
            failed, error = self._failed.get(key, (0.0, ""))
            if failed > asked:
                # It was tried while we waited: a slow database need not be waited for by one section after the other.
                raise DatabaseUnavailable(error)
            began = self._clock.monotonic()
            try:
                await self.projections.settle()
                async with self.database.acquire() as connection:
                    state, found, now = await self._read(connection, session, facts)
            except DatabaseUnavailable as unavailable:
                if self._clock.monotonic() - began > SLOW:
                    self._failed[key] = self._clock.monotonic(), str(unavailable)
                raise
            self._failed.pop(key, None)
            known = _Known(state, found, now, changes, self._clock.monotonic())
            return self._keep(known) if facts else known

    def _newest(self, session: Session) -> Session:
        """Its row as the database has it, where that is known: who asks may have come before it changed."""
        good = (self._sessions[requested] for requested in self._good)
        return next((found for found in good if found is not None and found.id == session.id), session)

    def _keep(self, known: _Known) -> _Known:
        if known.facts is not None:
            self.on_read(known.facts)
        self._known[known.state.session.id] = known
        self._known.move_to_end(known.state.session.id)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return known

    async def _read(self, connection: asyncpg.Connection, session: Session, facts: bool) -> _Read:
        now, capabilities = self._clock.now(), self.database.capabilities
        state = await self.projections.state(Source(connection, capabilities), session, now)
        found = await read_facts(connection, capabilities, state, now) if facts else None
        return state, found, now
