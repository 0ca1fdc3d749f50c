"""Long histories read in chunks: first the close of every day, by one index probe a day, then every row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import asyncpg

from monitoring.clock import Clock
from monitoring.database.gate import Tail
from monitoring.ledger.effects import read_factors
from monitoring.ledger.factors import FlowFactors, Held
from monitoring.ledger.pace import Pace
from monitoring.ledger.record import Record
from monitoring.ledger.snapshots import SnapshotReader, Snapshots
from monitoring.ledger.times import from_epoch, midnight, next_midnight
from monitoring.metrics.facts import Flow

CLOSES = """
SELECT h.* FROM generate_series($1::timestamp, $2::timestamp, interval '1 day') AS days(day)
CROSS JOIN LATERAL (
    SELECT {columns} FROM account_history
    WHERE timestamp >= days.day AND timestamp < days.day + interval '1 day'
      AND session_id = $3 AND id <= $4 AND NOT {audit}
    ORDER BY timestamp DESC, account_history.id DESC LIMIT 1
) h
"""


@dataclass(slots=True)
class Span:
    """A stretch of time that is being read, oldest first; ``position`` is how far."""

    start: datetime
    end: datetime
    position: datetime

    @classmethod
    def of(cls, extent: tuple[datetime, datetime] | None, now: datetime) -> "Span":
        """Whole days that hold ``extent``; nothing where that is None."""
        oldest, newest = extent or (now, now)
        start = midnight(oldest)
        return cls(start, next_midnight(newest) if extent else start, start)

    @property
    def done(self) -> bool:
        return self.position >= self.end

    def go_back(self, moment: datetime) -> None:
        """Makes what lies behind ``moment`` be read again."""
        self.position = min(self.position, moment)
        self.start = min(self.start, moment)

    @property
    def progress(self) -> float:
        """Share of the time that has been read, 0 to 1."""
        return min(1.0, (self.position - self.start) / max(self.end - self.start, timedelta(seconds=1)))


@dataclass(slots=True)
class Closes:
    """The last real snapshot of each day being fetched."""

    reader: SnapshotReader
    tail: Tail
    span: Span
    beats: list[float]
    """Times of the newest rows, oldest first."""
    rows: list[Snapshots] = field(default_factory=list)
    pace: Pace = field(default_factory=lambda: Pace(64.0, least=1.0))
    """In days."""

    async def advance(self, connection: asyncpg.Connection, clock: Clock) -> None:
        """Fetches the closes of a few days."""
        query = CLOSES.format(columns=self.reader.columns, audit=self.reader.audit)
        with self.pace.chunk(clock) as size:
            last = min(self.span.position + timedelta(days=int(size) - 1), self.span.end)
            limits = (self.span.position, last, self.reader.session.id, self.tail.watermark)
            self.rows.append(Snapshots.of(await connection.fetch(query, *limits)))
        self.span.position = last + timedelta(days=1)

    async def record(self, connection: asyncpg.Connection, flows: Sequence[Flow]) -> Record:
        """What can be known of the history from its closes alone."""
        rows = Snapshots.joined(self.rows)
        columns = (rows.times, rows.equity, rows.balance)
        held = [Held(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
        factors = await read_factors(connection, self.reader.session, flows, self.reader.audit, held)
        made = Record(self.tail, factors, exact=False, initial=self.reader.initial, beats=self.beats)
        made.absorb(rows)
        return made


@dataclass(slots=True)
class Backlog:
    """Every row being read; ``record`` takes the place of the present one when it is complete."""

    reader: SnapshotReader
    record: Record
    span: Span
    pace: Pace = field(default_factory=lambda: Pace(1.0, least=0.001))
    """In days."""

    @classmethod
    def of_repriced(cls, reader: SnapshotReader, record: Record, factors: FlowFactors, since: date) -> "Backlog":
        """What lies behind ``since`` is read again, and priced by other factors."""
        start = midnight(since)
        end = max(start, next_midnight(record.newest.date)) if record.newest else start
        return cls(reader, record.until(since, factors), Span(start, end, start))

    async def advance(self, connection: asyncpg.Connection, clock: Clock) -> None:
        """Reads one chunk of time."""
        with self.pace.chunk(clock) as size:
            stop = min(self.span.position + timedelta(days=size), self.span.end)
            rows = await self.reader.between(connection, self.span.position, stop, self.record.tail.watermark)
        self.record.absorb(rows)
        self.span.position = stop

    def price(self, factors: FlowFactors) -> None:
        """Takes other factors; from where they differ on, rows are read again."""
        since = self.record.factors.first_difference(factors)
        if since is None:
            self.record.factors = factors
        else:
            day = from_epoch(since).date()
            self.record = self.record.until(day, factors)
            self.span.go_back(midnight(day))
