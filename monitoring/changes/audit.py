"""A rolling audit counts every table again, chunk by chunk, which finds any correction, whatever counters say.

The server's counters find most corrections sooner. There are none on a standby, nor with ``track_counts = off``, and
they do not tell of a row whose id was taken long before it was committed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

import asyncpg

from monitoring.changes.chunk_sums import Checksum, chunk_of, count_chunks, count_range, range_of
from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import Clock

PROCESSOR_SHARE = 0.003
"""Of one processor, PostgreSQL's work included, while somebody looks ..."""
UNWATCHED_FACTOR = 0.1
"""... and so much of that while nobody does."""

Place = tuple[str, int | None]
"""A table and one of its chunks; None stands for all of them."""


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

    def restart(self) -> None:
        """The tables are others than before."""
        self._places, self._visited, self._began = [], 0, -inf

    @property
    def round_seconds(self) -> float | None:
        """How long the last whole round took, before its end how long the first one will; None where it just began."""
        if self._last_seconds is not None or not self._visited:
            return self._last_seconds
        return (self._next - self._began) / self._visited * len(self._places)

    async def visit(self, connection: asyncpg.Connection, cursors: TableCursors, watched: bool) -> set[str]:
        """Counts one chunk, where one is due: the table, where it holds other rows than the feed knows."""
        started = self.clock.monotonic()
        if started < self._next:
            return set()
        if self._visited == len(self._places):
            self._begin_round(cursors, started)
            return set()
        place = self._places[self._visited]
        found = await _differs(connection, cursors, *place)
        self._visited += 1
        share = PROCESSOR_SHARE * (1 if watched else UNWATCHED_FACTOR)
        self._next = started + (self.clock.monotonic() - started) / share
        return {place[0]} if found else set()

    def _begin_round(self, cursors: TableCursors, now: float) -> None:
        if self._places:
            self._last_seconds, self.rounds = now - self._began, self.rounds + 1
        self._places, self._visited, self._began = list(_round(cursors)), 0, now


def _round(cursors: TableCursors) -> Iterable[Place]:
    for table, cursor in cursors.cursors.items():
        chunks = cursor.sums if table in cursors.indexed else (None,)
        yield from ((table, chunk) for chunk in chunks)


async def _differs(connection: asyncpg.Connection, cursors: TableCursors, table: str, chunk: int | None) -> bool:
    cursor = cursors.cursors[table]
    sums, until, without = cursor.sums, cursor.watermark, [*cursor.pending_ids, *cursors.live.get(table, ())]
    if sums.filling:
        return False
    if chunk is None:
        found = await count_chunks(connection, table, until, without)
        differing = [one for one in {*sums, *found} if sums.differs(one, found.get(one, Checksum()))]
        return bool(differing)
    start, end = range_of(chunk)
    after = 0 if chunk == sums.first else start  # an old id that is taken again is found there
    return sums.differs(chunk, await count_range(connection, table, after, min(end, until), without))


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
