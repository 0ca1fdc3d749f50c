"""The deposits and withdrawals of one session: found once in all its bookings, then in the new ones alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from monitoring.clock import Clock
from monitoring.database.gate import Tail, start_tail
from monitoring.ledger.bookings import NEW_BOOKINGS, NEW_TOLD, OLD_BOOKINGS, OLD_TOLD, as_flow, merge_flows
from monitoring.ledger.pace import Pace
from monitoring.ledger.snapshots import SLACK, bounds
from monitoring.ledger.times import EPOCH
from monitoring.ledger.visit import Visit
from monitoring.metrics.facts import Flow, Session

BALANCES, EVENTS = "account_balances", "system_events"
NEEDS = {
    BALANCES: ("id", "session_id", "last_updated", "total_balance", "update_reason"),
    EVENTS: ("id", "session_id", "timestamp", "event_type", "message", "details"),
}
NEW = {BALANCES: NEW_BOOKINGS, EVENTS: NEW_TOLD}


@dataclass(slots=True)
class Found:
    """The flows of one table by id, as far as ``tail``."""

    tail: Tail = field(default_factory=Tail)
    flows: dict[int, Flow] = field(default_factory=dict)
    newest: tuple[datetime, int] = (EPOCH, 0)
    """Time and id of the newest booking."""

    def add(self, rows: Sequence[asyncpg.Record]) -> None:
        for row in rows:
            flow = as_flow(row)
            if flow is not None:
                self.flows[row["id"]] = flow
        self.newest = self._newest_of(rows)

    def disturbed_by(self, rows: Sequence[asyncpg.Record]) -> bool:
        """Whether a booking came late, before a known flow: amounts are differences to the booking before."""
        newest = self._newest_of(rows)
        return any(row["mine"] and (row["at"], row["id"]) < newest for row in rows)

    def _newest_of(self, rows: Sequence[asyncpg.Record]) -> tuple[datetime, int]:
        return max([self.newest, *((row["at"], row["id"]) for row in rows if row["flow"])])


@dataclass(slots=True)
class Search:
    """All bookings of a session being searched, in chunks of ids."""

    session: Session
    found: Found
    skip: list[int]
    """Ids that had not been committed when the search began: they come as news."""
    position: int = 0
    pace: Pace = field(default_factory=lambda: Pace(20_000, least=100))

    @property
    def done(self) -> bool:
        return self.position >= self.found.tail.watermark

    @property
    def progress(self) -> float:
        return min(1.0, self.position / max(1, self.found.tail.watermark))

    async def advance(self, connection: asyncpg.Connection, clock: Clock) -> None:
        with self.pace.chunk(clock) as size:
            stop = min(self.position + int(size), self.found.tail.watermark)
            rows = await connection.fetch(OLD_BOOKINGS, self.session.id, self.position, stop, self.skip)
        self.found.add(rows)
        self.position = stop


@dataclass(slots=True)
class FlowLedger:
    """``flows`` are oldest first; none before they are ``known``."""

    session: Session
    flows: tuple[Flow, ...] = ()
    known: bool = False
    """False until all have been found once."""
    _found: dict[str, Found] = field(default_factory=dict)
    _search: Search | None = None
    _stale: set[str] = field(default_factory=lambda: set(NEEDS))
    """Tables to be read as a whole."""

    @property
    def reading(self) -> bool:
        return self._search is not None

    @property
    def rows_waiting(self) -> int:
        """How many rows at most are still to be searched."""
        return self._search.found.tail.watermark - self._search.position if self._search else 0

    @property
    def tails(self) -> list[Tail]:
        return [found.tail for found in self._found.values()]

    @property
    def progress(self) -> float:
        return self._search.progress if self._search else 1.0

    def forget(self, tables: Iterable[str]) -> None:
        """Old rows changed. The flows known so far stand until they have been read again."""
        self._stale.update(NEEDS.keys() & set(tables))

    async def refresh(self, visit: Visit) -> None:
        """Takes in new rows, and begins to read what must be read as a whole."""
        for table in self._found:
            await self._news(visit, table)
        for table in sorted(self._stale):
            await self._begin(visit, table)
            self._stale.discard(table)
        self._publish()

    async def advance(self, connection: asyncpg.Connection, clock: Clock) -> bool:
        """Searches one chunk; True when that was the last."""
        if self._search is None:
            return False
        if not self._search.done:
            await self._search.advance(connection, clock)
        if not self._search.done:
            return False
        self._found[BALANCES] = self._search.found
        self._search = None
        self._publish()
        return True

    async def _news(self, visit: Visit, table: str) -> None:
        found = self._found[table]
        rows = []
        if visit.has_news(table, found.tail):
            rows = await visit.connection.fetch(NEW[table], self.session.id, *found.tail.arguments)
        torn = found.tail.settle(visit.gate)
        found.tail.saw((row["id"] for row in rows), visit.clock)
        if torn or (table == BALANCES and found.disturbed_by(rows)):
            self._stale.add(table)
        found.add(rows)

    async def _begin(self, visit: Visit, table: str) -> None:
        if not visit.capabilities.has(table, *NEEDS[table]):
            self._found.pop(table, None)
            return
        found = Found(await start_tail(visit.connection, table, visit.clock))
        skip = list(found.tail.gaps)
        if table == BALANCES:
            self._search = Search(self.session, found, skip)
            return
        since, _ = bounds(self.session, visit.now)
        limits = (since, visit.now + SLACK, found.tail.watermark, skip)
        found.add(await visit.connection.fetch(OLD_TOLD, self.session.id, *limits))
        self._found[table] = found

    def _publish(self) -> None:
        """Makes what was found the session's flows, unless more is still being searched."""
        if not self.reading:
            booked, told = (self._found[table].flows.values() if table in self._found else () for table in NEEDS)
            self.flows = merge_flows(booked, told)
            self.known = True
