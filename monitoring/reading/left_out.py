"""How many rows belong to no session, because the engine's clean-up took it away and no id names another."""

import asyncio
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import asyncpg

from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.owners import owner
from monitoring.database.pool import Database
from monitoring.projections import Projections
from monitoring.single_flight import SingleFlight

TABLES = ("positions", "orders", "account_history", "account_balances", "partial_trades")
"""Those besides trades, which are counted as they are read."""
NAMING = ("positions", "orders")
"""Their rows may say whose a row is that names no session."""
COUNT = "SELECT count(*) FROM {table} rows WHERE rows.session_id IS NULL AND {owner} IS NULL"
EXITS = """
SELECT count(*) FROM partial_trades part
WHERE NOT EXISTS (SELECT 1 FROM positions WHERE positions.id = part.position_id AND {owner} IS NOT NULL)
"""
MAX_COUNTING_SHARE = 0.02
"""Of the time, at most: counting reads a whole table."""
MAX_PAUSE_SECONDS = 300.0
MAX_AGE_SECONDS = 3600.0
"""So long a count holds without a change: a standby does not show all of them."""
MAX_WAIT_SECONDS = 1.0
"""For so long an answer waits for the counts."""


class _Count(NamedTuple):
    """``number`` is None where it could not be counted."""

    number: int | None
    version: Hashable
    due_at: float
    """``monotonic`` from which on it is counted again after a change."""
    expires_at: float


class LeftOut:
    """Counts a table again after a change, for all who ask."""

    def __init__(self, database: Database, projections: Projections, clock: Clock) -> None:
        self._database = database
        self._projections = projections
        self._clock = clock
        self._counts: dict[str, _Count] = {}
        self._counting: SingleFlight[str, None, None] = SingleFlight()

    async def by_table(self) -> dict[str, int]:
        """Tables of which it is not known how many there are now are missing."""
        if due := [table for table in TABLES if self._is_due(table)]:
            task = self._counting.join("left out", None, lambda: self._count(due), lambda _: True)
            await asyncio.wait((asyncio.shield(task),), timeout=MAX_WAIT_SECONDS)
        now = {table: count for table, count in self._counts.items() if count.version == self._version(table)}
        known = {table: count.number for table, count in now.items() if count.number is not None}
        return {**known, **self._projections.left_out}

    def _is_due(self, table: str) -> bool:
        count, now = self._counts.get(table), self._clock.monotonic()
        return count is None or now > count.expires_at or (now > count.due_at and count.version != self._version(table))

    def _version(self, table: str) -> Hashable:
        return tuple(self._projections.version(read, ()) for read in (table, *NAMING))

    async def _count(self, tables: Sequence[str]) -> None:
        for table in tables:
            version, began = self._version(table), self._clock.monotonic()
            number = await self._read(table)
            ended = self._clock.monotonic()
            pause = min(MAX_PAUSE_SECONDS, (ended - began) / MAX_COUNTING_SHARE)
            self._counts[table] = _Count(number, version, ended + pause, ended + MAX_AGE_SECONDS)

    async def _read(self, table: str) -> int | None:
        async def read(connection: asyncpg.Connection, capabilities: Capabilities) -> int | None:
            query = _query(table, capabilities)
            number: int | None = await connection.fetchval(query) if query else None
            return number

        try:
            return await self._database.ask(read)
        except DatabaseUnavailable:
            # Too many rows for the time that a query may take, or nobody answers.
            return None


def _query(table: str, capabilities: Capabilities) -> str | None:
    """None where it cannot be counted."""
    exits = table == "partial_trades"
    read = "positions" if exits else table
    if not capabilities.has(read, "id", "session_id") or (exits and not capabilities.has(table, "position_id")):
        return None
    alias = read if exits else "rows"
    return (EXITS if exits else COUNT).format(table=table, owner=owner(capabilities, read, alias))
