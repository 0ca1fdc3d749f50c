"""The account's history of one session, day by day: read once, then fed by new rows.

A small history is read whole at the first call. Of a large one the last real snapshot of each day is fetched first,
by one index probe a day, so that every figure can be shown at once (the drawdown is then that of daily closes and
says so); the rest is read in the background, chunk by chunk, and takes its place when it is complete.
"""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

import asyncpg
import numpy as np

from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, Tail, start_tail
from monitoring.ledger.days import COLUMNS, TIME, Day, by_day, next_day
from monitoring.ledger.flows import FlowFactors, epoch, from_epoch
from monitoring.ledger.snapshots import SnapshotReader, Snapshots
from monitoring.metrics.drawdown import summarise
from monitoring.metrics.facts import Daily, Drawdown, Series, Session

PATIENCE = 0.4
"""Seconds the first call may spend on reading everything before it settles for daily closes."""
ROWS_A_CHUNK = 25_000
MOST_NEW_ROWS = 50_000
MOST_DAYS_AT_ONCE = 3
BEATS = 30
"""How many of the newest rows the engine's rhythm is learned from."""

EMPTY = np.empty((0, COLUMNS))

DAILY_LAST = """
SELECT h.* FROM generate_series($1::timestamp, $2::timestamp, interval '1 day') AS days(day)
CROSS JOIN LATERAL (
    SELECT {columns} FROM account_history
    WHERE timestamp >= days.day AND timestamp < days.day + interval '1 day'
      AND session_id = $3 AND id <= $4 AND NOT {audit}
    ORDER BY timestamp DESC, account_history.id DESC LIMIT 1
) h
"""


@dataclass(slots=True)
class History:
    """Days read up to ``tail``; ``exact`` when they hold every row and not only daily closes."""

    tail: Tail
    exact: bool
    days: dict[date, Day] = field(default_factory=dict)

    def absorb(self, rows: Snapshots, factors: FlowFactors) -> set[date]:
        """Adds rows in order of time; returns the days that must be read anew because a row came late."""
        late: set[date] = set()
        for day_date, part in by_day(rows):
            known = self.days.get(day_date)
            if known is None:
                self.days[day_date] = Day.of(day_date, part, factors)
            elif part.first > known.last:
                known.append(part, factors)
            else:
                late.add(day_date)
        return late

    def newest(self) -> Day | None:
        return self.days[max(self.days)] if self.days else None


@dataclass(slots=True)
class Backlog:
    """A history being read in chunks of time, oldest first, until ``end``."""

    history: History
    reader: SnapshotReader
    start: datetime
    position: datetime
    end: datetime
    span: timedelta = timedelta(days=1)
    beats: deque[float] = field(default_factory=lambda: deque(maxlen=BEATS))
    """Times of the newest rows read."""

    @property
    def done(self) -> bool:
        return self.position >= self.end

    @property
    def progress(self) -> float:
        """Share of the time span that has been read, 0 to 1."""
        return min(1.0, (self.position - self.start) / max(self.end - self.start, timedelta(seconds=1)))

    async def advance(self, connection: asyncpg.Connection, factors: FlowFactors) -> None:
        """Reads one chunk, and sizes the next by how full this one was."""
        stop = min(self.position + self.span, self.end)
        rows = await self.reader.between(connection, self.position, stop, self.history.tail.watermark)
        self.history.absorb(rows, factors)
        self.position = stop
        self.beats.extend(rows.times[-BEATS:])
        self.span *= min(2.0, max(0.25, ROWS_A_CHUNK / max(1, len(rows))))


@dataclass(slots=True)
class HistoryLedger:
    """The running state of one session's ``account_history``."""

    session: Session
    factors: FlowFactors = field(default_factory=FlowFactors.none)
    backlog: Backlog | None = None
    """What is still being read in the background."""
    _history: History | None = None
    _late: set[date] = field(default_factory=set)
    """Days of ``_history`` that must be read again: rows came out of order, or the factors changed."""
    _beats: deque[float] = field(default_factory=lambda: deque(maxlen=BEATS))
    _curve: Series | None = None
    """All steps of all days, until something is taken in."""

    async def refresh(
        self, connection: asyncpg.Connection, capabilities: Capabilities, gate: Gate, now: datetime
    ) -> None:
        """Reads what is new since the last call, or starts from nothing."""
        if not capabilities.has("account_history", "id", "timestamp", "session_id", "balance", "equity"):
            return
        reader = SnapshotReader.of(self.session, capabilities)
        if self._history is None:
            await self._begin(connection, reader, now)
            return
        history = self._history
        rows = await reader.unread(connection, *history.tail.arguments, MOST_NEW_ROWS + 1)
        if len(rows) > MOST_NEW_ROWS:
            await self._begin(connection, reader, now)
            return
        torn = history.tail.settle(gate)
        history.tail.saw(row["id"] for row in rows)
        mine = [row for row in rows if row["session_id"] == self.session.id]
        if mine:
            self._take(history, Snapshots.of(mine))
        if torn:
            self._history = None
            await self._begin(connection, reader, now)
        else:
            await self._reread(connection, reader, history)

    async def rebuild(self, connection: asyncpg.Connection, capabilities: Capabilities, now: datetime) -> None:
        """Queues everything to be read again; the present figures stand until that is done."""
        if self._history is not None:
            reader = SnapshotReader.of(self.session, capabilities)
            self.backlog = await self._queue(connection, reader, now)

    async def reprice(
        self, connection: asyncpg.Connection, capabilities: Capabilities, now: datetime, since: datetime
    ) -> None:
        """Reads again what lies behind ``since``, the factors having changed from there on."""
        if self._history is None:
            return
        days = [day for day in self._history.days if day >= since.date()]
        reader = SnapshotReader.of(self.session, capabilities)
        if self.backlog is not None or len(days) > MOST_DAYS_AT_ONCE:
            self.backlog = await self._queue(connection, reader, now)
            return
        self._late.update(days)
        await self._reread(connection, reader, self._history)

    async def advance(self, connection: asyncpg.Connection) -> bool:
        """Reads one chunk of the backlog; True when that was the last and the figures are exact."""
        if self.backlog is None:
            return False
        if not self.backlog.done:
            await self.backlog.advance(connection, self.factors)
        if not self.backlog.done:
            return False
        self._adopt(self.backlog)
        return True

    async def _begin(self, connection: asyncpg.Connection, reader: SnapshotReader, now: datetime) -> None:
        backlog = await self._queue(connection, reader, now)
        deadline = time.monotonic() + PATIENCE
        while not backlog.done and time.monotonic() < deadline:
            await backlog.advance(connection, self.factors)
        if backlog.done:
            self._adopt(backlog)
            return
        self._history = await self._daily_closes(connection, reader, backlog)
        self._curve = None
        self.backlog = backlog

    async def _queue(self, connection: asyncpg.Connection, reader: SnapshotReader, now: datetime) -> Backlog:
        tail = await start_tail(connection, "account_history")
        extent = await reader.extent(connection, now)
        start, end = extent or (now, now)
        start = datetime.combine(start.date(), datetime.min.time())
        end = end + timedelta(seconds=1) if extent else start
        return Backlog(History(tail, exact=True), reader, start, start, end)

    def _adopt(self, backlog: Backlog) -> None:
        self._history = backlog.history
        self._late.clear()
        self._curve = None
        self.backlog = None
        if not self._beats:
            self._beats.extend(backlog.beats)

    async def _daily_closes(self, connection: asyncpg.Connection, reader: SnapshotReader, backlog: Backlog) -> History:
        tail = await start_tail(connection, "account_history")
        rows = await connection.fetch(
            DAILY_LAST.format(columns=reader.columns, audit=reader.audit),
            backlog.start,
            backlog.end,
            self.session.id,
            tail.watermark,
        )
        history = History(tail, exact=False)
        if rows:
            history.absorb(Snapshots.of(rows), self.factors)
        return history

    def _take(self, history: History, rows: Snapshots) -> None:
        self._curve = None
        self._beats.extend(rows.times[-BEATS:])
        self._late |= history.absorb(rows, self.factors)

    async def _reread(self, connection: asyncpg.Connection, reader: SnapshotReader, history: History) -> None:
        """Reads the days again that got rows late; one that fails stays on the list."""
        while self._late:
            day = min(self._late)
            start = datetime.combine(day, datetime.min.time())
            rows = await reader.between(connection, start, next_day(start), history.tail.watermark)
            self._late.discard(day)
            history.days.pop(day, None)
            history.absorb(rows, self.factors)
            self._curve = None

    @property
    def exact(self) -> bool:
        return self._history is not None and self._history.exact

    @property
    def last_time(self) -> datetime | None:
        day = self._history.newest() if self._history else None
        return from_epoch(day.last[0]) if day else None

    @property
    def last_id(self) -> int | None:
        day = self._history.newest() if self._history else None
        return day.last[1] if day else None

    @property
    def last_real_id(self) -> int | None:
        return next((day.last_real_id for day in self._newest_first() if day.last_real_id is not None), None)

    @property
    def rhythm(self) -> float | None:
        """Median seconds between the newest rows; None where there are fewer than three."""
        beats = sorted(self._beats)
        gaps = [later - earlier for earlier, later in pairwise(beats) if later > earlier]
        return median(gaps) if len(gaps) > 1 else None

    def _newest_first(self) -> Iterable[Day]:
        days = self._history.days if self._history else {}
        return (days[day] for day in sorted(days, reverse=True))

    def daily(self) -> Daily | None:
        """One close a day from the first to the last, missing days carried forward; None where there is none."""
        known = [day for day in reversed(list(self._newest_first())) if day.equity is not None]
        if not known:
            return None
        count = (known[-1].date - known[0].date).days + 1
        at = np.array([(day.date - known[0].date).days for day in known])
        steps = np.diff(np.append(at, count))
        return Daily(
            dates=tuple(known[0].date + timedelta(days=number) for number in range(count)),
            equity=np.repeat([day.equity for day in known], steps).astype(float),
            index=np.repeat([day.index for day in known], steps).astype(float),
        )

    def drawdown(self) -> Drawdown | None:
        """Decline from the running peak, the initial balance being the first peak; None without a snapshot."""
        if self._history is None:
            return None
        days = self._history.days
        runs = [run for run in (days[day].run for day in sorted(days)) if run is not None]
        initial = self.session.initial_balance
        return summarise(runs, None if initial is None else float(initial), self._history.exact) if runs else None

    def curve(self, since: datetime) -> Series:
        """The steps of every day's curve (see ``days``) from ``since`` on that hold anything: (steps, COLUMNS)."""
        if self._curve is None:
            days = self._history.days if self._history else {}
            steps = np.concatenate([EMPTY, *(days[day].curve for day in sorted(days))])
            self._curve = steps[np.isfinite(steps[:, TIME])]
        first = int(np.searchsorted(self._curve[:, TIME], epoch(since)))
        found: Series = self._curve[first:]
        return found
