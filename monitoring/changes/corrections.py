"""What happens behind the watermarks: old rows updated or deleted, tables emptied, ids that went back."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import asyncpg

from monitoring.changes.snapshot_token import IdCursor, start_cursor
from monitoring.clock import Clock

COUNTERS = """
SELECT c.relname AS name, coalesce(pg_relation_filenode(c.oid), 0) AS file,
       pg_stat_get_tuples_updated(c.oid) AS updated, pg_stat_get_tuples_deleted(c.oid) AS deleted
FROM unnest($1::text[]) AS wanted(name) JOIN pg_class c ON c.oid = to_regclass(wanted.name)
"""
COUNTED_WITHIN_SECONDS = 15.0
"""Seconds after which the server has surely counted a change (it takes up to ten)."""


@dataclass(slots=True)
class Counters:
    """The server's counts of updates and deletions in each table, and the file it lies in."""

    tables: tuple[str, ...]
    changing: frozenset[str]
    """Tables some of whose rows change all the time and are watched one by one."""
    clock: Clock
    reported: dict[str, float] = field(default_factory=dict)
    """When a change of a row in a changing table was reported: that explains what the counters say, or some of it."""
    doubtful: set[str] = field(default_factory=set)
    """ChangingTable tables whose counts moved at the last call and are explained by that."""
    _updated: dict[str, int] = field(default_factory=dict)
    _deleted: dict[str, int] = field(default_factory=dict)
    _files: dict[str, int] = field(default_factory=dict)

    async def corrected(self, connection: asyncpg.Connection, cursors: dict[str, IdCursor]) -> set[str]:
        """Tables whose old rows changed since the last call, as far as the server has counted by now.

        The cursors of tables that were emptied, or whose newest rows went, begin anew. All that can fail comes first: a
        call that raises has noted nothing.
        """
        rows = await connection.fetch(COUNTERS, list(self.tables))
        self.doubtful = set()
        emptied = {row["name"] for row in rows if self._files.get(row["name"], row["file"]) != row["file"]}
        begun = {
            table: IdCursor() if table in emptied else await start_cursor(connection, table, self.clock)
            for table in await _receded(connection, cursors)
        }
        cursors.update(begun)
        return emptied | begun.keys() | {row["name"] for row in rows if self._counts(row)}

    def _counts(self, row: asyncpg.Record) -> bool:
        """Takes note of a table's counts; True where they say that old rows changed."""
        table = row["name"]
        deleted: bool = self._deleted.get(table, row["deleted"]) != row["deleted"]
        updated: bool = self._updated.get(table, row["updated"]) != row["updated"]
        if updated and self._explained(table):
            self.doubtful.add(table)
            updated = False
        self._files[table], self._deleted[table], self._updated[table] = row["file"], row["deleted"], row["updated"]
        return deleted or updated

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
