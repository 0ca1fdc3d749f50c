"""One look at the database."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, Tail


@dataclass(frozen=True, slots=True)
class Visit:
    """Over which connection, what there is to read, and what was read before anything else: gate, time, newest ids."""

    connection: asyncpg.Connection
    capabilities: Capabilities
    gate: Gate
    now: datetime
    newest: Mapping[str, int]
    clock: Clock

    def has_news(self, table: str, tail: Tail) -> bool:
        """Whether rows may have come behind the tail: to ask for them costs more than to see that there are none.

        True for a table that has gone, so that whoever believes in it finds out.
        """
        return bool(tail.gaps) or self.newest.get(table, math.inf) > tail.watermark


async def newest_ids(
    connection: asyncpg.Connection, capabilities: Capabilities, tables: Iterable[str]
) -> Mapping[str, int]:
    """The highest id of each of the tables that there are."""
    there = [table for table in tables if capabilities.has(table, "id")]
    if not there:
        return {}
    columns = ", ".join(f"(SELECT coalesce(max(id), 0) FROM {table}) AS {table}" for table in there)
    return dict(await connection.fetchrow(f"SELECT {columns}"))
