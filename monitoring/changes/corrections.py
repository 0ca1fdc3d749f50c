"""What happens behind the watermarks: old rows updated or deleted, tables emptied, ids that went back."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import asyncpg

from monitoring.changes.snapshot_token import IdCursor, start_cursor
from monitoring.clock import Clock

COUNTERS = """
WITH RECURSIVE parts AS (
    SELECT name, to_regclass(name)::oid AS oid FROM unnest($1::text[]) AS wanted(name)
    WHERE to_regclass(name) IS NOT NULL
    UNION ALL
    SELECT parts.name, child.inhrelid FROM parts JOIN pg_inherits child ON child.inhparent = parts.oid
)
SELECT name, array_agg(oid || '/' || file) FILTER (WHERE file <> 0) AS files,
       sum(pg_stat_get_tuples_updated(oid))::bigint AS updated, sum(pg_stat_get_tuples_deleted(oid))::bigint AS deleted
FROM parts, LATERAL (SELECT coalesce(pg_relation_filenode(oid), 0) AS file) AS own
GROUP BY name
"""
"""Of a partitioned table its partitions hold the rows, and are counted."""
COUNTED_WITHIN_SECONDS = 15.0
"""Seconds after which the server has surely counted a change (it takes up to ten)."""


@dataclass(slots=True)
class Counters:
    """The server's counts of updates and deletions in each table, and the files it lies in."""

    tables: tuple[str, ...]
    changing: frozenset[str]
    """Tables some of whose rows change all the time and are watched one by one."""
    clock: Clock
    reported: dict[str, float] = field(default_factory=dict)
    """When a change of a row in a changing table was reported: that explains what the counters say, or some of it."""
    doubtful: set[str] = field(default_factory=set)
    """ChangingTable tables whose counts moved at the last call and are explained by that."""
    counted: set[str] = field(default_factory=set)
    """Tables of which the counts alone said so at the last call."""
    _updated: dict[str, int] = field(default_factory=dict)
    _deleted: dict[str, int] = field(default_factory=dict)
    _files: dict[str, frozenset[str]] = field(default_factory=dict)
    """By table; one for each partition that holds rows of its own."""

    async def corrected(self, connection: asyncpg.Connection, cursors: dict[str, IdCursor]) -> set[str]:
        """Tables whose old rows changed since the last call, as far as the server has counted by now.

        The cursors of tables that were emptied, or whose newest rows went, begin anew. All that can fail comes first: a
        call that raises has noted nothing.
        """
        rows = await connection.fetch(COUNTERS, list(self.tables))
        self.doubtful = set()
        emptied = {row["name"] for row in rows if self._emptied(row)}
        begun = {
            table: IdCursor() if table in emptied else await start_cursor(connection, table, self.clock)
            for table in await _receded(connection, cursors)
        }
        cursors.update(begun)
        anew = emptied | begun.keys()
        self.counted = {row["name"] for row in rows if self._counts(row)} - anew
        return anew | self.counted

    def _emptied(self, row: asyncpg.Record) -> bool:
        """Whether none of a table's files is left: of a partitioned table, each of its partitions was emptied."""
        before = self._files.get(row["name"], frozenset())
        return bool(before) and before.isdisjoint(row["files"] or ())

    def _counts(self, row: asyncpg.Record) -> bool:
        """Takes note of a table's counts; True where they, or its partitions, say that old rows changed."""
        table, files = row["name"], frozenset(row["files"] or ())
        others: bool = self._files.get(table, files) != files
        deleted: bool = self._deleted.get(table, row["deleted"]) != row["deleted"]
        updated: bool = self._updated.get(table, row["updated"]) != row["updated"]
        if updated and self._explained(table):
            self.doubtful.add(table)
            updated = False
        self._files[table], self._deleted[table], self._updated[table] = files, row["deleted"], row["updated"]
        return deleted or updated or others

    def _explained(self, table: str) -> bool:
        reported = self.reported.get(table, -math.inf)
        return table in self.changing and self.clock.monotonic() - reported < COUNTED_WITHIN_SECONDS


async def _receded(connection: asyncpg.Connection, cursors: Mapping[str, IdCursor]) -> Iterable[str]:
    """Tables whose newest id is lower than one that was there before."""
    if not cursors:
        return ()
    newest = " UNION ALL ".join(
        f"SELECT '{table}' AS name, coalesce(max(id), 0) AS id FROM {table}" for table in cursors
    )
    return [row["name"] for row in await connection.fetch(newest) if row["id"] < cursors[row["name"]].watermark]
