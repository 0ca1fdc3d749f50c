"""The projections as the tests want them: fed by hand, read to the end, of one session."""

from dataclasses import replace

import asyncpg

from monitoring.changes.audit import RollingAudit, changes_of
from monitoring.changes.change_set import ChangeSet
from monitoring.changes.snapshot_token import read_token
from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import SYSTEM_CLOCK, Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.pool import Database
from monitoring.database.source import Source
from monitoring.metrics.money import Flow
from monitoring.projections import Projections, ScopeState
from monitoring.projections.equity_curve import EquityCurve
from monitoring.projections.moves import Kinds
from monitoring.projections.scope_state import ScopePositions
from monitoring.projections.trades import ScopeTrades
from monitoring.scope import read_config, read_sessions
from monitoring.sections.fact_cache import FactCache


class Follower:
    """Does the change feed's work by hand, for the projections and one session of which the state is wanted."""

    def __init__(self, session: int, watch: TableCursors, clock: Clock, kinds: Kinds) -> None:
        self.session = session
        self.clock = clock
        self.projections = Projections(Database("postgresql://unused", clock), clock, kinds)
        self._watch = watch
        self._pending = ChangeSet(corrected=set(watch.tables))
        self._audit = RollingAudit(SYSTEM_CLOCK)
        self._state: ScopeState | None = None

    @classmethod
    async def start(cls, connection: asyncpg.Connection, session: int, clock: Clock, kinds: Kinds) -> "Follower":
        watch = await TableCursors.start(connection, await Capabilities.read(connection), (), clock)
        return cls(session, watch, clock, kinds)

    def forget(self, *tables: str) -> None:
        """Old rows of ``tables`` changed."""
        self._pending.corrected.update(set(tables) - self._audit.suspect(tables))

    @property
    def behind(self) -> bool:
        """Whether there is more to read."""
        return self.projections.backfill.active or self._audit.suspecting

    async def look_back(self, connection: asyncpg.Connection) -> None:
        """Takes note of what happened to old rows, as the feed does now and then."""
        self.forget(*await self._watch.corrections(connection))
        await self._watch.track_rewritten(connection)

    async def poll(self, connection: asyncpg.Connection) -> Source:
        """Takes in what was committed; scans are begun, not ended."""
        source = Source(connection, self._watch.capabilities)
        more = True
        while more:
            gate = await read_token(connection, clock=self.clock)
            found = await self._watch.read(connection, gate)
            self._pending.merge(found)
            more = found.more
        if self._audit.suspecting:
            self._pending.merge(changes_of(await self._audit.visit(connection, self._watch, watched=True)))
        await self.projections.take_in(source, self._watch.cursors, self._pending)
        self._pending = ChangeSet()
        return source

    async def advance(self, source: Source) -> None:
        """Scans one chunk of each table."""
        for projected in (self.projections.flows, self.projections.trades, self.projections.equity):
            await projected.advance(source)

    async def read(self, source: Source) -> "Follower":
        """Makes what is known by now the state that is looked at."""
        found = {session.id: session for session in await read_sessions(source.connection, source.capabilities)}
        config = await read_config(source.connection, source.capabilities, self.session)
        session = replace(found[self.session], config=config)
        self._state = await self.projections.state(source, session, self.clock.now())
        return self

    @property
    def fact_cache(self) -> FactCache:
        return FactCache(self.projections, self.clock)

    @property
    def state(self) -> ScopeState:
        assert self._state is not None
        return self._state

    @property
    def trades(self) -> ScopeTrades:
        return self.state.trades

    @property
    def history(self) -> EquityCurve:
        return self.state.history

    @property
    def positions(self) -> ScopePositions:
        return self.state.positions

    @property
    def flows(self) -> tuple[Flow, ...]:
        return self.state.flows


async def follower_of(
    connection: asyncpg.Connection, session: int, clock: Clock = SYSTEM_CLOCK, kinds: Kinds | None = None
) -> Follower:
    """``kinds``: what the operator says that corrections were."""
    return await Follower.start(connection, session, clock, kinds or {})


async def refreshed(connection: asyncpg.Connection, follower: Follower) -> Follower:
    """The same one, knowing everything that is committed."""
    source = await follower.poll(connection)
    while follower.behind:
        await follower.advance(source)
        source = await follower.poll(connection)
    return await follower.read(source)
