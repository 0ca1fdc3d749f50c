"""Finds finished rows that were written again while others of their table changed: counters cannot tell them apart."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import asyncpg

from monitoring.clock import Clock

MAX_PROCESSOR_SHARE = 0.002
"""Of one processor, at most: the whole table is read, for want of an index."""
MAX_FOUND_ROWS = 2000

OLDEST_RUNNING = "SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric % 4294967296)::text"
"""From this transaction on, none may have ended yet when it is asked for; by the lower half of its id, as rows are."""
WRITTEN_SINCE = r"""
SELECT id::bigint AS id FROM {table}
WHERE id <= $1 AND NOT id = ANY($2::bigint[])
  AND CASE WHEN xmin::text ~ '^\d{{1,10}}$' THEN age(xmin::text::xid) <= age($3::text::xid) END
LIMIT {limit}
"""
"""Rows of a view have another ``xmin``, which tells nothing of when they were written."""


@dataclass(slots=True)
class RewrittenRows:
    """Of one table: since when nobody has looked, and whether there is reason to."""

    clock: Clock
    since: str
    """The answer to OLDEST_RUNNING before the last look."""
    doubtful: bool = field(default=False)
    """Whether the counters moved since then, though the rows that are watched explain it."""
    _next: float = 0.0

    @classmethod
    async def start(cls, connection: asyncpg.Connection, clock: Clock) -> "RewrittenRows":
        return cls(clock, await connection.fetchval(OLDEST_RUNNING))

    async def find(
        self, connection: asyncpg.Connection, table: str, watermark: int, watched: Iterable[int]
    ) -> list[int]:
        """Ids of rows that were written since the last look and are not watched; empty where no look is due."""
        started = self.clock.monotonic()
        if not self.doubtful or started < self._next:
            return []
        since = await connection.fetchval(OLDEST_RUNNING)
        query = WRITTEN_SINCE.format(table=table, limit=MAX_FOUND_ROWS)
        rows = await connection.fetch(query, watermark, list(watched), self.since)
        self.since, self.doubtful = since, False
        self._next = started + (self.clock.monotonic() - started) / MAX_PROCESSOR_SHARE
        return [row["id"] for row in rows]
