"""The account's history of one session: read once, then fed by new rows.

Of a long history the last real snapshot of each day is fetched first, so that nearly every figure can be shown at once
(of the drawdown only the least that it must be); the rest is read in the background and takes its place when it is
complete. So does what must be read again, because old rows or the deposits and withdrawals among them changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from statistics import median

import asyncpg

from monitoring.clock import Clock
from monitoring.database.gate import Tail, start_tail
from monitoring.ledger.backlog import Backlog, Closes, Span
from monitoring.ledger.effects import read_factors
from monitoring.ledger.factors import FlowFactors
from monitoring.ledger.record import NO_DEPTH, NO_STEPS, Record
from monitoring.ledger.snapshots import SnapshotReader, Snapshots, bounds
from monitoring.ledger.times import from_epoch, midnight, next_midnight
from monitoring.ledger.visit import Visit
from monitoring.metrics.facts import Daily, Drawdown, Flow, Series, Session

MOST_NEW_ROWS = 50_000
"""Beyond this many unread rows the history is begun anew."""
NEEDS = ("id", "timestamp", "session_id", "balance", "equity")


@dataclass(slots=True)
class HistoryLedger:
    """The running state of one session's ``account_history``."""

    session: Session
    closes: Closes | None = None
    backlog: Backlog | None = None
    """What is still being read; all closes before anything else."""
    _record: Record | None = None
    _priced: Sequence[Flow] | None = None
    """The flows that the record was last priced by; None where that must be looked at again."""
    _stale: bool = False

    @property
    def exact(self) -> bool:
        """Whether the figures are made of every row."""
        return self._record is not None and self._record.exact

    @property
    def reading(self) -> bool:
        return self.closes is not None or self.backlog is not None

    @property
    def rows_waiting(self) -> int:
        """How many rows at most are still to be read."""
        return self.backlog.record.tail.watermark if self.backlog else 0

    @property
    def tails(self) -> list[Tail]:
        return [self._record.tail] if self._record else []

    @property
    def progress(self) -> float:
        """Share of the rows that has been read, 0 to 1."""
        return self.backlog.span.progress if self.backlog else 1.0

    def forget(self) -> None:
        """Old rows changed. The present figures stand until everything has been read again."""
        self._stale = True

    async def refresh(self, visit: Visit, flows: Sequence[Flow]) -> None:
        """Takes in new rows and new flows, or begins to read what must be read as a whole."""
        if not visit.capabilities.has("account_history", *NEEDS):
            self._record = self.closes = self.backlog = None
            return
        reader = SnapshotReader.of(self.session, visit.capabilities)
        if self._record is None and not self.reading:
            await self._begin(visit, reader)
        elif self._stale and not self.reading:
            self.backlog, self._stale = await self._everything(visit, reader), False
        if self._record is not None:
            await self._update(visit, reader, self._record, flows)

    async def advance(self, connection: asyncpg.Connection, flows: Sequence[Flow], clock: Clock) -> bool:
        """Reads one chunk; True when that was the last of the closes, or of everything."""
        if self.closes is not None:
            return await self._advance_closes(connection, self.closes, flows, clock)
        if self.backlog is None:
            return False
        if not self.backlog.span.done:
            await self.backlog.advance(connection, clock)
        if not self.backlog.span.done:
            return False
        # What was read anew may have held other equities before flows.
        self._record, self._priced, self.backlog = self.backlog.record, None, None
        return True

    async def _advance_closes(
        self, connection: asyncpg.Connection, closes: Closes, flows: Sequence[Flow], clock: Clock
    ) -> bool:
        if not closes.span.done:
            await closes.advance(connection, clock)
        if not closes.span.done:
            return False
        self._record = await closes.record(connection, flows)
        self._priced, self.closes = flows, None
        if self.backlog is not None:
            self.backlog.price(self._record.factors)
        return True

    async def _begin(self, visit: Visit, reader: SnapshotReader) -> None:
        backlog, closes = await self._everything(visit, reader), await self._all_closes(visit, reader)
        self._record, self.backlog, self.closes, self._stale = None, backlog, closes, False

    async def _everything(self, visit: Visit, reader: SnapshotReader) -> Backlog:
        tail = await start_tail(visit.connection, "account_history", visit.clock)
        span = Span.of(await reader.extent(visit.connection, visit.now), visit.now)
        factors = self._record.factors if self._record else FlowFactors.none()
        return Backlog(reader, Record(tail, factors, exact=True, initial=reader.initial), span)

    async def _all_closes(self, visit: Visit, reader: SnapshotReader) -> Closes:
        tail = await start_tail(visit.connection, "account_history", visit.clock)
        span = Span.of(await reader.extent(visit.connection, visit.now), visit.now)
        return Closes(reader, tail, span, await reader.beats(visit.connection, visit.now))

    async def _update(self, visit: Visit, reader: SnapshotReader, record: Record, flows: Sequence[Flow]) -> None:
        rows = []
        if visit.has_news("account_history", record.tail):
            rows = await reader.unread(visit.connection, *record.tail.arguments, MOST_NEW_ROWS + 1)
        if len(rows) > MOST_NEW_ROWS:
            await self._begin(visit, reader)
            return
        self._stale |= record.tail.settle(visit.gate)
        record.tail.saw((row["id"] for row in rows), visit.clock)
        start, end = bounds(self.session, visit.now)
        mine = [row for row in rows if row["session_id"] == self.session.id and start <= row["timestamp"] < end]
        if mine:
            came_late = record.absorb(Snapshots.of(mine))
            if came_late or record.factors.waiting:
                # What flows are measured by, or show in, may be another row now.
                self._priced = None
        await self._read_late(visit, reader, record)
        if flows != self._priced:
            await self._price(visit, reader, record, flows)

    async def _read_late(self, visit: Visit, reader: SnapshotReader, record: Record) -> None:
        for day in sorted(record.late):
            limits = (midnight(day), next_midnight(day), record.tail.watermark)
            record.read_again(day, await reader.between(visit.connection, *limits))

    async def _price(self, visit: Visit, reader: SnapshotReader, record: Record, flows: Sequence[Flow]) -> None:
        """Prices by ``flows``; from where that makes a difference, rows are read again."""
        factors = await read_factors(visit.connection, self.session, flows, reader.audit, record.closes())
        since = record.factors.first_difference(factors)
        if self.backlog is not None:
            self.backlog.price(factors)
        if since is None:
            record.factors = factors
        elif not record.exact:
            self.closes = await self._all_closes(visit, reader)
        elif self.backlog is None:
            self.backlog = Backlog.of_repriced(reader, record, factors, from_epoch(since).date())
        self._priced = flows

    def shown_flows(self, after: float, until: float) -> Decimal:
        """Sum of the deposits and withdrawals that began to show in snapshots in (after, until], epoch seconds."""
        return self._record.factors.shown(after, until) if self._record else Decimal(0)

    @property
    def last_time(self) -> datetime | None:
        """Of the newest row of any kind."""
        newest = self._record.newest if self._record else None
        return from_epoch(newest.last[0]) if newest else None

    @property
    def last_id(self) -> int | None:
        newest = self._record.newest if self._record else None
        return newest.last[1] if newest else None

    @property
    def last_real_id(self) -> int | None:
        return self._record.last_real_id() if self._record else None

    @property
    def rhythm(self) -> float | None:
        """Median seconds between the newest rows; None where there are fewer than three."""
        gaps = [later - earlier for earlier, later in pairwise(self._record.beats if self._record else ())]
        return median(gaps) if len(gaps) > 1 else None

    def daily(self) -> Daily | None:
        """One close a day from the first to the last, missing days carried forward; None where there is none."""
        return self._record.daily() if self._record else None

    def drawdown(self) -> Drawdown | None:
        """Decline from the running peak, the initial balance being the first peak; None without a snapshot."""
        return self._record.drawdown() if self._record else None

    def curve(self, since: datetime) -> Series:
        """The steps of every day's curve (see ``days``) from ``since`` on that hold anything: (steps, COLUMNS).

        Good until the next row is taken in; so is :meth:`depth`.
        """
        return self._record.curve(since)[0] if self._record else NO_STEPS

    def depth(self, since: datetime) -> Series:
        """How far each of those steps lies below the peak of the whole history until then: (steps, DEPTHS)."""
        return self._record.curve(since)[1] if self._record else NO_DEPTH

    def step_before(self, moment: datetime) -> Series | None:
        """The last step before ``moment``; None where there is none."""
        return self._record.step_before(moment) if self._record else None
