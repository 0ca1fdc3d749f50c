"""What a table held, in chunks of ids: how many rows, and the sum of the marks of their versions (hashes of ``xmin``).

A row that is added, changed or deleted changes the sums. They follow what the feed finds, so a chunk that holds
something else was corrected unseen. Rows that the feed tracks one by one are in no sum.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import asyncpg

CHUNK_ROWS = 20_000
"""How many ids are read at once: few enough that a page can come in between."""
MAX_CHUNK_COUNT = 100_000
"""A table whose ids are far apart may have more chunks: then all older ones count as one."""
LOWEST_ID = -(2**63)

_SUMS = "count(*) AS rows, coalesce(sum(hashtext(xmin::text)), 0) AS marks"
OF_RANGE = f"SELECT {_SUMS} FROM {{table}} WHERE id > $1::bigint AND id <= $2::bigint AND NOT id = ANY($3::bigint[])"
BY_CHUNK = f"""
SELECT greatest($3::bigint, (id::bigint - 1) / {{size}}) AS chunk, {_SUMS} FROM {{table}}
WHERE id <= $1 AND NOT id = ANY($2::bigint[]) GROUP BY 1
"""

INDEXED = """
WITH RECURSIVE parts AS (
    SELECT name, to_regclass(name)::oid AS oid FROM unnest($1::text[]) AS wanted(name)
    UNION ALL
    SELECT parts.name, child.inhrelid FROM parts JOIN pg_inherits child ON child.inhparent = parts.oid
)
SELECT name FROM parts JOIN pg_class c ON c.oid = parts.oid GROUP BY name
HAVING bool_and(c.relkind IN ('p', 'v') OR EXISTS (
    SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = c.oid AND a.attname = 'id' AND i.indpred IS NULL
))
"""
"""SQL: the tables of which every partition has an index on id, and views.

A view uses the index of what lies below it. All its rows at once are dear: the version of each is made of its values.
"""


@dataclass(frozen=True, slots=True)
class Checksum:
    """How many rows some ids have, and the sum of the marks of their versions."""

    rows: int = 0
    marks: int = 0

    def __add__(self, other: "Checksum") -> "Checksum":
        return Checksum(self.rows + other.rows, self.marks + other.marks)


def chunk_of(number: int) -> int:
    return (number - 1) // CHUNK_ROWS


def range_of(chunk: int) -> tuple[int, int]:
    """The ids of a chunk: after the first number, up to the second."""
    return chunk * CHUNK_ROWS, (chunk + 1) * CHUNK_ROWS


@dataclass(slots=True)
class ChunkSums:
    """The checksums of one table. Its chunks are ``first`` to ``last``; the first one holds all lower ids, too."""

    first: int = 0
    last: int = -1
    filling: bool = False
    """A scan will count every chunk just before it reads it: nobody else has to."""
    _sums: dict[int, Checksum] = field(default_factory=dict)
    _uncounted: dict[int, int] = field(default_factory=dict)
    """How many ids of a chunk nobody has counted yet."""

    @classmethod
    def begin(cls, after: int, watermark: int, *, filling: bool = False) -> "ChunkSums":
        """The table has no id up to ``after``; its ids up to ``watermark`` are still to be counted."""
        last = chunk_of(watermark)
        sums = cls(max(0, chunk_of(after + 1), last - MAX_CHUNK_COUNT), last, filling)
        for chunk in sums:
            start, end = sums.range_of(chunk)
            sums._uncounted[chunk] = min(watermark, end) - max(after, start)
        return sums

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))

    def range_of(self, chunk: int) -> tuple[int, int]:
        """The ids that count as of a chunk: after the first number, up to the second."""
        start, end = range_of(chunk)
        return LOWEST_ID if chunk == self.first else start, end

    def _chunk_of(self, number: int) -> int:
        return max(self.first, chunk_of(number))

    def add(self, number: int, mark: int) -> None:
        """The feed found a row."""
        chunk = self._chunk_of(number)
        self._sums[chunk] = self._sums.get(chunk, Checksum()) + Checksum(1, mark)
        self.last = max(self.last, chunk)

    def forget(self, number: int) -> None:
        """The row is tracked from now on: its chunk is to be counted again."""
        self._uncounted[self._chunk_of(number)] = CHUNK_ROWS

    def counted(self, after: int, until: int, checksum: Checksum) -> None:
        """A scan counted these ids of one chunk just before it read them."""
        chunk = self._chunk_of(until)
        self._sums[chunk] = self._sums.get(chunk, Checksum()) + checksum
        self._uncounted[chunk] = self._uncounted.get(chunk, 0) - (until - after)
        if self._uncounted[chunk] <= 0:
            del self._uncounted[chunk]

    def differs(self, chunk: int, checksum: Checksum) -> bool:
        """Whether a chunk holds other rows than the feed knows; from now on these are known."""
        known, self._sums[chunk] = self._sums.get(chunk, Checksum()), checksum
        return self._uncounted.pop(chunk, None) is None and known != checksum


async def count_range(
    connection: asyncpg.Connection, table: str, after: int, until: int, without: list[int]
) -> Checksum:
    """The checksum of the rows with ``after`` < id <= ``until``; the ids ``without`` do not count."""
    row = await connection.fetchrow(OF_RANGE.format(table=table), after, until, without)
    return Checksum(row["rows"], row["marks"])


async def count_chunks(
    connection: asyncpg.Connection, table: str, first: int, until: int, without: list[int]
) -> dict[int, Checksum]:
    """The checksum of every chunk from ``first`` on, in one pass: the table has no index that finds a chunk."""
    rows = await connection.fetch(BY_CHUNK.format(table=table, size=CHUNK_ROWS), until, without, first)
    return {row["chunk"]: Checksum(row["rows"], row["marks"]) for row in rows}


async def indexed_tables(connection: asyncpg.Connection, tables: Iterable[str]) -> frozenset[str]:
    """The tables among these that have an index on id, so that a chunk is found quickly."""
    return frozenset(row["name"] for row in await connection.fetch(INDEXED, list(tables)))
