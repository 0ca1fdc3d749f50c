"""A rolling audit counts every table again, chunk by chunk, which finds any correction, whatever counters say.

The server's counters find most corrections sooner. There are none on a standby, nor with ``track_counts = off``, and
they do not tell of a row whose id was taken long before it was committed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

import asyncpg

from monitoring.changes.change_set import ChangeSet
from monitoring.changes.chunk_sums import Checksum, chunk_of, count_chunks, count_range, range_of
from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import Clock

PROCESSOR_SHARE = 0.003
"""Of one processor, PostgreSQL's work included, while somebody looks ..."""
UNWATCHED_FACTOR = 0.1
"""... and so much of that while nobody does."""

BURST_SECONDS = 0.02
"""For so long at a time a table is counted of which the server says that old rows changed."""
RANGED_TABLES = frozenset({"account_history"})
"""Of these, by far the longest, the projections read again what changed, and not the whole."""
MAX_RANGE_COUNT = 50
"""Where more chunks of a table differ, it is read again as a whole."""

Place = tuple[str, int | None]
"""A table and one of its chunks; None stands for all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that are others than the feed knew, of the ids ``after`` < id <= ``until``; None for any of the table."""

    table: str
    ids: tuple[int, int] | None


@dataclass(slots=True)
class RollingAudit:
    """Where the audit is, and how long a round takes."""

    clock: Clock
    rounds: int = 0
    """How many have ended."""
    _last_seconds: float | None = None
    _places: list[Place] = field(default_factory=list)
    """Of this round."""
    _visited: int = 0
    _began: float = -inf
    _next: float = -inf
    _suspected: dict[str, list[Place]] = field(default_factory=dict)
    """Tables to be counted at once, and what is left of them; nothing where that is not known yet."""
    _found_counts: dict[str, int] = field(default_factory=dict)
    """How many chunks of each differ."""

    def restart(self) -> None:
        """The tables are others than before."""
        self._places, self._visited, self._began, self._suspected = [], 0, -inf, {}

    def suspect(self, tables: Iterable[str]) -> frozenset[str]:
        """Old rows of some tables changed, perhaps: those of RANGED_TABLES, which are returned, are counted at once."""
        suspected = RANGED_TABLES.intersection(tables)
        for table in suspected:
            self._suspected[table], self._found_counts[table] = [(table, None)], 0
        return suspected

    @property
    def suspecting(self) -> bool:
        """Whether tables are left to be counted at once."""
        return bool(self._suspected)

    @property
    def round_seconds(self) -> float | None:
        """How long the last whole round took, before its end how long the first one will; None where it just began."""
        if self._last_seconds is not None or not self._visited:
            return self._last_seconds
        return (self._next - self._began) / self._visited * len(self._places)

    async def visit(self, connection: asyncpg.Connection, cursors: TableCursors, watched: bool) -> list[Found]:
        """Counts what is due, and says what differs: a chunk now and then, and suspected tables at once."""
        started = self.clock.monotonic()
        if self._suspected:
            return await self._count_suspected(connection, cursors, started + BURST_SECONDS)
        if started < self._next:
            return []
        if self._visited == len(self._places):
            self._begin_round(cursors, started)
            return []
        found = await _differing(connection, cursors, *self._places[self._visited])
        self._visited += 1
        share = PROCESSOR_SHARE * (1 if watched else UNWATCHED_FACTOR)
        self._next = started + (self.clock.monotonic() - started) / share
        return found

    async def _count_suspected(
        self, connection: asyncpg.Connection, cursors: TableCursors, until: float
    ) -> list[Found]:
        found: list[Found] = []
        for table in [one for one in self._suspected if one in cursors.cursors]:
            if cursors.cursors[table].sums.filling:
                continue
            if self._suspected[table] == [(table, None)]:
                self._suspected[table] = list(_chunks(cursors, table))
            while self._suspected.get(table) and self.clock.monotonic() < until:
                found += self._limited(table, await _differing(connection, cursors, *self._suspected[table].pop()))
            if not self._suspected.get(table):
                self._suspected.pop(table, None)
        return found

    def _limited(self, table: str, found: list[Found]) -> list[Found]:
        self._found_counts[table] += len(found)
        if self._found_counts[table] <= MAX_RANGE_COUNT:
            return found
        self._suspected.pop(table)
        return [Found(table, None)]

    def _begin_round(self, cursors: TableCursors, now: float) -> None:
        if self._places:
            self._last_seconds, self.rounds = now - self._began, self.rounds + 1
        places = [place for table in cursors.tables for place in _chunks(cursors, table)]
        self._places, self._visited, self._began = places, 0, now


def _chunks(cursors: TableCursors, table: str) -> Iterable[Place]:
    chunks = cursors.cursors[table].sums if table in cursors.indexed else (None,)
    return ((table, chunk) for chunk in chunks)


async def _differing(
    connection: asyncpg.Connection, cursors: TableCursors, table: str, chunk: int | None
) -> list[Found]:
    cursor = cursors.cursors[table]
    sums, until, without = cursor.sums, cursor.watermark, [*cursor.pending_ids, *cursors.live.get(table, ())]
    if sums.filling:
        return []
    if chunk is None:
        counted = await count_chunks(connection, table, sums.first, until, without)
        differing = [one for one in {*sums, *counted} if sums.differs(one, counted.get(one, Checksum()))]
        return [Found(table, sums.range_of(one)) for one in differing]
    after, end = sums.range_of(chunk)
    counts = await count_range(connection, table, after, min(end, until), without)
    return [Found(table, (after, end))] if sums.differs(chunk, counts) else []


def changes_of(found: Iterable[Found]) -> ChangeSet:
    """What has to be read again."""
    changes = ChangeSet()
    for one in found:
        if one.ids is None or one.table not in RANGED_TABLES:
            changes.corrected.add(one.table)
        else:
            changes.ranges.setdefault(one.table, set()).add(one.ids)
    return changes


async def expected_round_seconds(connection: asyncpg.Connection, tables: Iterable[str], clock: Clock) -> float:
    """How long a round over some tables will take while somebody looks, by the time that the longest chunk takes."""
    chunks, longest = 0, 0.0
    for table in tables:
        first, last = await connection.fetchrow(f"SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM {table}")
        chunks += chunk_of(last) - chunk_of(first) + 1
        started = clock.monotonic()
        await count_range(connection, table, range_of(chunk_of(last))[0], last, [])
        longest = max(longest, clock.monotonic() - started)
    return chunks * longest / PROCESSOR_SHARE
