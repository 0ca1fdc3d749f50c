"""All projections: fed by the change feed, scanned in the background, read by scope."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitoring.backoff import Backoff
from monitoring.changes.change_set import ChangeSet
from monitoring.changes.gate import Tail
from monitoring.clock import Clock
from monitoring.database.errors import MAY_BE_SCHEMA, SCHEMA_CHANGED, DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.database.source import Source
from monitoring.lru import Lru
from monitoring.metrics.facts import Session
from monitoring.projections.bookings import Bookings, SessionFlows
from monitoring.projections.equity import EquityHistory
from monitoring.projections.open_positions import OpenPositions
from monitoring.projections.projected import Projected
from monitoring.projections.record import Record
from monitoring.projections.scope_equity import ScopeEquity
from monitoring.projections.scope_state import MergedTrades, ScopePositions, ScopeState, flows_of
from monitoring.projections.trades import ScopeTrades, SessionTrades, TradeTotals

log = logging.getLogger(__name__)

READERS = 2
"""How many chunks are read at the same time."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.25, 2.0
BUSY_SECONDS = 3.0
"""For so long after rows came the engine counts as busy."""
MAX_SHARE_BESIDE_ENGINE = 0.5
"""Of a processor, that PostgreSQL spends on scans at most while the engine is busy."""
PATIENCE_SECONDS = 0.2
"""For so long after scans began pages wait for their end, before they are shown what is known."""
FEW_ROWS = 20_000
FEW_ROWS_PATIENCE_SECONDS = 5.0
"""The same where so few rows are left: on a busy machine they take long, and are worth it."""
TELL_SECONDS = 5.0
"""After so long progress is told again."""
MAX_KEPT_SCOPES = 64
"""Scopes whose curve is kept; the one looked at longest ago is dropped first."""


@dataclass(slots=True)
class _Kept:
    """What is kept of one scope between two readings."""

    equity: ScopeEquity
    trades: MergedTrades = field(default_factory=MergedTrades)

    @classmethod
    def of(cls, session: Session) -> "_Kept":
        initial = None if session.initial_balance is None else float(session.initial_balance)
        return cls(ScopeEquity(session.ids, initial))


class Projections:
    """``on_progress`` hears when a good deal more is known of all sessions."""

    def __init__(self, database: Database, clock: Clock, on_progress: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._on_progress = on_progress
        self.trades: Projected[SessionTrades] = Projected(TradeTotals())
        self.flows: Projected[SessionFlows] = Projected(Bookings())
        self.equity: Projected[Record] = Projected(EquityHistory())
        self.positions = OpenPositions()
        self.away: str | None = None
        """Why nobody follows the changes at present: what is known may be behind what is committed."""
        self._kept: Lru[tuple[object, ...], _Kept] = Lru(MAX_KEPT_SCOPES)
        self._changed: Counter[tuple[str, int | None]] = Counter()
        """How often rows of a table changed that belong to a session, or to none."""
        self._corrected: Counter[str] = Counter()
        """How often old rows of a table changed that nobody can name, or all of them may be others."""
        self._cleared = 0
        self.changes = 0
        """Counts how often the states became others."""
        self._backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, clock)
        self._work = asyncio.Event()
        self._moved = asyncio.Event()
        self._told = 0.0
        self._begun = -math.inf
        """The clock's ``monotonic`` when scans began last."""
        self._rows_came = -math.inf
        """The clock's ``monotonic`` when rows came last."""

    @property
    def _scanned(self) -> tuple[Projected[Any], ...]:
        """Quick and needed by others first, the many rows of a long history last."""
        return self.flows, self.trades, self.equity

    @property
    def _all(self) -> tuple[Projected[Any] | OpenPositions, ...]:
        return *self._scanned, self.positions

    @property
    def building(self) -> bool:
        return any(projected.building for projected in self._scanned)

    @property
    def progress(self) -> float:
        """How much of everything has been read, 0 to 1; the history is by far the longest."""
        return 0.1 * self.flows.progress + 0.1 * self.trades.progress + 0.8 * self.equity.progress

    @property
    def scans(self) -> dict[str, float]:
        """Tables that are being read as a whole, and the share that has been."""
        return {projected.table: projected.progress for projected in self._scanned if projected.building}

    @property
    def _rows_waiting(self) -> int:
        return sum(projected.rows_waiting for projected in self._scanned)

    async def begin(self, source: Source, cursors: Mapping[str, Tail], tables: Iterable[str] | None = None) -> None:
        """Reads tables from their start, all of them where none is named. What is known stands until then."""
        wanted = None if tables is None else set(tables)
        if wanted is not None and "positions" in wanted:
            # The risk of a trade is a share of the balance that its position remembers.
            wanted.add("trades")
        if wanted is None or "positions" in wanted:
            await self.positions.begin(source, cursors.get("positions"))
        for projected in self._scanned:
            if wanted is None or projected.table in wanted:
                await projected.begin(source, cursors.get(projected.table))
        self._begun = self._clock.monotonic()
        self._work.set()

    async def take_in(self, source: Source, cursors: Mapping[str, Tail], changes: ChangeSet) -> None:
        """Brings everything up to what the feed found. Where it fails it may be called again with the same changes."""
        if changes.rows:
            self._rows_came = self._clock.monotonic()
        await self._apply(source, changes.unapplied)
        changes.unapplied = {}
        if changes.corrected:
            await self.begin(source, cursors, changes.corrected)
        # Last: what is read before the states are others must not count as read after it.
        for table, rows in changes.rows.items():
            self._changed.update({(table, row.session) for row in rows})
        self._corrected.update(changes.corrected)
        self.changes += 1

    async def _apply(self, source: Source, changed: Mapping[str, Collection[int]]) -> None:
        parts = [part for part in self._all if changed.get(part.table)]
        # All that can fail comes first: nothing is taken in twice.
        takes = [await part.read(source, sorted(changed[part.table])) for part in parts]
        for take in takes:
            take()

    def version(self, table: str, sessions: tuple[int, ...]) -> tuple[int, ...]:
        """Differs whenever rows of a table changed that belong to one of the sessions, or to none."""
        return self._corrected[table] + self._cleared, *(self._changed[table, owner] for owner in (None, *sessions))

    def clear(self) -> None:
        """The database is another one: nothing that is known holds."""
        self._cleared += 1
        self.changes += 1
        for part in self._all:
            part.clear()
        self._kept.clear()

    async def state(self, source: Source, session: Session, now: datetime, *, keep: bool = True) -> ScopeState:
        """What is known of a scope, as of all changes that were applied. Raises DatabaseUnavailable.

        ``keep``: whether it will be asked for again, so that what was put together is kept.
        """
        if self.away is not None:
            raise DatabaseUnavailable(self.away)
        kept, changes = self._keep(session) if keep else _Kept.of(session), self.changes
        flows = await flows_of(source, self.flows.states, session) if self.flows.complete else ()
        if source.capabilities.has(self.equity.table, *self.equity.projection.needs):
            records = self.equity.states if self.equity.complete and self.flows.complete else None
            await kept.equity.prepare(source, now, records, flows)
        else:
            kept.equity = ScopeEquity(session.ids, kept.equity.initial)
        return ScopeState(
            session=session,
            trades=self._trades_of(kept, session),
            positions=self._positions_of(session),
            flows=flows,
            history=kept.equity,
            reading=any(part.readable(source.capabilities) for part in self._scanned if not part.certain),
            progress=self.progress,
            changes=changes,
        )

    def _positions_of(self, session: Session) -> ScopePositions:
        positions, ids = self.positions, session.ids
        return ScopePositions(positions.ids(ids), positions.last_update(ids), positions.complete)

    def _trades_of(self, kept: _Kept, session: Session) -> ScopeTrades:
        states = [self.trades.states[number] for number in session.ids if number in self.trades.states]
        return ScopeTrades(
            kept.trades.of(states, self.trades.generation),
            tuple(state.columns for state in states),
            self.trades.complete,
            self.trades.certain,
        )

    def _keep(self, session: Session) -> _Kept:
        key = session.ids, session.initial_balance
        return self._kept.get(key) or self._kept.put(key, _Kept.of(session))

    async def settle(self) -> None:
        """Waits for scans that will soon be done, though not for a database that is away."""
        while self.building and self.away is None:
            limit = FEW_ROWS_PATIENCE_SECONDS if self._rows_waiting < FEW_ROWS else PATIENCE_SECONDS
            left = self._begun + limit - self._clock.monotonic()
            if left <= 0:
                return
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._moved.wait()

    async def run(self) -> None:
        """Scans what is waiting, for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(READERS):
                group.create_task(self._scan_for_ever())

    async def _scan_for_ever(self) -> None:
        while True:
            waiting = next((projected for projected in self._scanned if projected.waiting), None)
            if waiting is None:
                await self._work.wait()
                self._work.clear()
                continue
            started = self._clock.monotonic()
            await self._advance(waiting)
            await asyncio.sleep(self._rest(self._clock.monotonic() - started))

    def _rest(self, spent: float) -> float:
        """Seconds that a reader rests after a chunk that took so long: none, but where the engine needs the server."""
        busy = self._clock.monotonic() - self._rows_came < BUSY_SECONDS
        return spent * (READERS / MAX_SHARE_BESIDE_ENGINE - 1) if busy else 0.0

    async def _advance(self, projected: Projected[Any]) -> None:
        adapted = self._database.adapted
        try:
            async with self._database.acquire() as connection:
                complete = await projected.advance(Source(connection, self._database.capabilities))
        except DatabaseUnavailable:
            await asyncio.sleep(self._backoff.next())
            return
        except MAY_BE_SCHEMA as error:
            if not isinstance(error, SCHEMA_CHANGED) and not await self._database.moved(adapted):
                raise
            # The feed begins the scan anew.
            await asyncio.sleep(self._backoff.next())
            return
        self._moved.set()
        if complete:
            self._corrected[projected.table] += 1
            self.changes += 1
            log.info("%s: read to the end", projected.table)
        if complete or self._clock.monotonic() - self._told > TELL_SECONDS:
            self._told = self._clock.monotonic()
            self._on_progress()
