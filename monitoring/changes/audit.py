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
"""The audit takes this share of one processor, PostgreSQL's work included, while somebody looks at a page."""
UNWATCHED_FACTOR = 0.1
"""While nobody looks the audit takes this part of PROCESSOR_SHARE."""

BURST_SECONDS = 0.02
"""A table of which the server says that old rows changed is counted for this long in each poll, without a rest."""
RANGED_TABLES = frozenset({"account_history"})
"""The projections read the changed days of these tables again; of every other table they read the whole again."""
MAX_RANGE_COUNT = 50
"""A table of which more chunks differ is read again as a whole."""

Place = tuple[str, int | None]
"""A table and one of its chunks; None stands for all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Some rows of ``table`` changed unseen: with ``ids[0]`` < id <= ``ids[1]``, or anywhere where ``ids`` is None."""

    table: str
    ids: tuple[int, int] | None


@dataclass(slots=True)
class RollingAudit:
    """Counts one chunk after the other, and begins anew after the last: a round."""

    clock: Clock
    rounds: int = 0
    """How many rounds have ended."""
    _last_seconds: float | None = None
    _places: list[Place] = field(default_factory=list)
    """The chunks of this round, in the order in which they are counted."""
    _visited: int = 0
    _began: float = -inf
    _next: float = -inf
    _suspected: dict[str, list[Place]] = field(default_factory=dict)
    """By table the chunks that are left to be counted at once; the next one stands at the end."""
    _found: list[Found] = field(default_factory=list)
    """What was found and is not reported yet. A suspected table is reported once, since a report may cost a scan."""

    def restart(self) -> None:
        """The tables are others than before."""
        self._places, self._visited, self._began = [], 0, -inf
        self._suspected, self._found = {}, []

    def suspect(self, tables: Iterable[str]) -> frozenset[str]:
        """Old rows of some tables may have changed: RANGED_TABLES among them are counted at once, and returned."""
        suspected = RANGED_TABLES.intersection(tables)
        for table in suspected:
            self._suspect(table)
        return suspected

    def _suspect(self, table: str) -> None:
        """The table is counted once more after what is left of it: else one suspected often is never finished."""
        places = self._suspected.setdefault(table, [])
        if (table, None) not in places:
            places.insert(0, (table, None))

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
        countable = [table for table in self._suspected if not cursors.cursors[table].sums.filling]
        for table in countable:
            await self._count_suspected(connection, cursors, table, started + BURST_SECONDS)
        if not countable and started >= self._next:
            await self._go_on(connection, cursors, watched)
        ready = [one for one in self._found if one.table not in self._suspected]
        self._found = [one for one in self._found if one.table in self._suspected]
        return ready

    async def _go_on(self, connection: asyncpg.Connection, cursors: TableCursors, watched: bool) -> None:
        started = self.clock.monotonic()
        if self._visited == len(self._places):
            self._begin_round(cursors, started)
            return
        table, chunk = self._places[self._visited]
        self._visited += 1
        try:
            found = await _differing(connection, cursors, table, chunk)
        finally:
            # One that fails, since it takes too long perhaps, is not counted again at once.
            share = PROCESSOR_SHARE * (1 if watched else UNWATCHED_FACTOR)
            self._next = started + (self.clock.monotonic() - started) / share
        self._take(table, found)
        if found and chunk is not None and table not in RANGED_TABLES:
            self._suspect(table)

    async def _count_suspected(
        self, connection: asyncpg.Connection, cursors: TableCursors, table: str, until: float
    ) -> None:
        try:
            while (places := self._suspected.get(table)) and self.clock.monotonic() < until:
                _, chunk = places.pop()
                if chunk is None and table in cursors.indexed:
                    places += _chunks(cursors, table)
                else:
                    self._take(table, await _differing(connection, cursors, table, chunk))
        except BaseException:
            # Tried again it may fail for ever, since it takes too long perhaps.
            self._take_whole(table)
            raise
        if not self._suspected.get(table):
            self._suspected.pop(table, None)

    def _take(self, table: str, found: list[Found]) -> None:
        self._found += found
        if table in RANGED_TABLES and sum(one.table == table for one in self._found) > MAX_RANGE_COUNT:
            self._take_whole(table)

    def _take_whole(self, table: str) -> None:
        self._suspected.pop(table, None)
        self._found = [*(one for one in self._found if one.table != table), Found(table, None)]

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
