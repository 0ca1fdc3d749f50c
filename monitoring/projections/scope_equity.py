"""The account history of the sessions of one scope, as one curve."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from math import inf

import numpy as np

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.source import Source
from monitoring.projections.days import Day
from monitoring.projections.equity_curve import EquityCurve
from monitoring.projections.flow_attribution import FlowAttribution, History, Readers
from monitoring.projections.flow_walk import Attributed, Position
from monitoring.projections.moves import Moves
from monitoring.projections.results import ResultReader
from monitoring.projections.session_history import SessionHistory
from monitoring.projections.snapshots import SnapshotReader
from monitoring.projections.timeline import Part, Timeline
from monitoring.projections.times import EPOCH, epoch, from_epoch, midnight, next_midnight
from monitoring.projections.unit_price import FlowFactors

CLOSES_AGE_SECONDS = 5.0
"""For how long the daily closes of a history that is still being read are good enough: reading them is dear."""


@dataclass(frozen=True, slots=True)
class _Mixed:
    """A day that was cut, as it was up to some horizon."""

    made_of: object
    parts: list[Day]
    next_at: float
    """Epoch seconds of the first row that lay in the future."""

    def holds(self, made_of: object, horizon: float) -> bool:
        later = any(part.last[0] > horizon for part in self.parts)
        return self.made_of == made_of and not later and horizon < self.next_at


@dataclass(slots=True)
class ScopeEquity:
    """Makes the curve of one scope, and keeps what the next one can be made of."""

    sessions: tuple[int, ...]
    attribution: FlowAttribution
    _exact: bool = False
    _records: dict[int, SessionHistory] = field(default_factory=dict)
    _seen: tuple[object, ...] = ()
    """What changes where the flows must be attributed anew."""
    _shown: Position = field(default_factory=Position)
    _factors: FlowFactors = field(default_factory=FlowFactors.of)
    _mixed: dict[date, _Mixed] = field(default_factory=dict)
    """Days on which a factor changes or sessions write at the same time: read again, cut where they must be."""
    _old: tuple[object, Timeline] | None = None
    """All days but the newest, and what they were made of."""
    _closes_read: float | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def curve(
        self,
        source: Source,
        now: datetime,
        records: Mapping[int, SessionHistory] | None,
        moves: Moves | None,
    ) -> EquityCurve:
        """The curve as of the records. None: they are still being read, daily closes must do; or flows are unknown."""
        reader = SnapshotReader.of(source.connection, source.capabilities)
        async with self._lock:
            if records is None:
                await self._read_closes(reader, now)
            else:
                await self._use(reader, records)
            flows = await self._attribute(source, reader, now, moves or Moves())
            timeline = await self._put_together(reader, now)
            known = None if moves is None else flows
            return EquityCurve.of(timeline, self._factors, known, exact=self._exact)

    async def _use(self, reader: SnapshotReader, records: Mapping[int, SessionHistory]) -> None:
        mine = {number: records[number] for number in self.sessions if number in records}
        if any(self._records.get(number) is not record for number, record in mine.items()):
            # Of another scan: their counts begin anew.
            self._seen, self._old, self._mixed = (), None, {}
        self._records, self._exact, self._closes_read = mine, True, None
        for number, record in self._records.items():
            await _read_late(reader, number, record)

    async def _read_closes(self, reader: SnapshotReader, now: datetime) -> None:
        seconds = epoch(now)
        if self._closes_read is not None and 0 <= seconds - self._closes_read < CLOSES_AGE_SECONDS:
            return
        sessions, until = list(self.sessions), now + MAX_CLOCK_SKEW
        record = SessionHistory()
        if extent := await reader.extent(EPOCH, until):
            record.absorb(await reader.closes(sessions, midnight(extent[0]), min(until, extent[1])))
        self._exact, self._closes_read = False, seconds
        self._records = {self.sessions[0]: record}
        self._seen, self._old = (), None

    async def _attribute(self, source: Source, reader: SnapshotReader, now: datetime, moves: Moves) -> Attributed:
        """Finds the factors."""
        seen = (self._exact, *((number, record.late_changes) for number, record in self._records.items()))
        if seen != self._seen:
            self.attribution.forget()
        self._seen = seen
        results = ResultReader(source, list(self.sessions), [flow.id for flow in moves.waiting])
        horizon = epoch(now + MAX_CLOCK_SKEW)
        found = await self.attribution.update(Readers(reader, results), self._history(horizon), moves)
        if found.shown != self._shown.shown:
            self._factors = FlowFactors.of(found.shown)
        self._shown = found
        return Attributed(moves, found, tuple(found.pending(moves, horizon)))

    def _history(self, horizon: float) -> History:
        days: dict[date, list[Day]] = {}
        for record in self._records.values():
            for day, known in record.days.items():
                days.setdefault(day, []).append(known)
        return History(days, self._first_snapshots(), self._exact, horizon)

    def _first_snapshots(self) -> dict[int, float]:
        """Of a session without one, the first of those after it."""
        found: dict[int, float] = {}
        first = inf
        for number in reversed(self.sessions):
            known = self._records[number].days.values() if number in self._records else ()
            first = min((day.opening.at for day in known if day.opening), default=first)
            found[number] = first
        return found

    async def _put_together(self, reader: SnapshotReader, now: datetime) -> Timeline | None:
        horizon = epoch(now + MAX_CLOCK_SKEW)
        last = from_epoch(horizon).date()
        dates = sorted({day for record in self._records.values() for day in record.days if day <= last})
        if not dates:
            return None
        *old, newest = dates
        made_of = (newest, self._old_changes(newest), self._factors)
        if self._old is None or self._old[0] != made_of:
            parts = [part for day in old for part in await self._parts(reader, day, horizon)]
            self._old = made_of, Timeline.of(parts, self.attribution.initial)
        return self._old[1].then(await self._parts(reader, newest, horizon))

    def _old_changes(self, newest: date) -> tuple[int, ...]:
        """Differs when another day than the newest of all changed."""
        return tuple(
            record.old_changes if record.newest and record.newest.date >= newest else record.changes
            for record in self._records.values()
        )

    async def _parts(self, reader: SnapshotReader, day: date, horizon: float) -> list[Part]:
        """What there is of a day, cut where the factor changes."""
        days = sorted((r.days[day] for r in self._records.values() if day in r.days), key=lambda known: known.first)
        if self._exact and self._is_mixed(days, horizon):
            days = await self._read_mixed(reader, day, horizon)
        else:
            self._mixed.pop(day, None)
        times, ids = np.array([known.last[0] for known in days]), np.array([known.last[1] for known in days])
        factors, prices = self._factors.at(times, ids)
        return [Part(*part) for part in zip(days, factors.tolist(), prices.tolist(), strict=True)]

    def _is_mixed(self, days: Sequence[Day], horizon: float) -> bool:
        return (
            any(later.first < earlier.last for earlier, later in pairwise(days))
            or any(self._factors.change_within(known.first, known.last) for known in days)
            or any(known.last[0] > horizon for known in days)
        )

    async def _read_mixed(self, reader: SnapshotReader, day: date, horizon: float) -> list[Day]:
        start, end = epoch(midnight(day)), epoch(next_midnight(day))
        cuts = (at for at in zip(self._factors.times, self._factors.ids, strict=True) if start <= at[0] < end)
        stamps = tuple((record.stamp(day), record.late_changes) for record in self._records.values())
        made_of = (stamps, tuple(cuts))
        known = self._mixed.get(day)
        if known is not None and known.holds(made_of, horizon):
            return known.parts
        rows = await reader.between(list(self.sessions), midnight(day), next_midnight(day))
        left_out = rows.times[rows.times > horizon]
        rows = rows.where(rows.times <= horizon)
        pieces = np.flatnonzero(np.diff(self._factors.counts(rows.times, rows.ids))) + 1
        edges = [0, *pieces.tolist(), len(rows)]
        parts = [Day.of(day, rows.where(slice(start, stop))) for start, stop in pairwise(edges) if stop > start]
        self._mixed[day] = _Mixed(made_of, parts, float(left_out[0]) if len(left_out) else inf)
        return parts


async def _read_late(reader: SnapshotReader, session: int, record: SessionHistory) -> None:
    for day in sorted(record.late):
        while day in record.late:
            before = record.stamp(day), record.late_changes
            rows = await reader.between([session], midnight(day), next_midnight(day))
            if (record.stamp(day), record.late_changes) == before:
                record.read_again(day, rows)
