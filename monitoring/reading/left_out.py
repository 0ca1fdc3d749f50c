"""How many rows belong to no session, because the engine's clean-up took it away and no id names another."""

import asyncio
from collections.abc import Hashable

import asyncpg

from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.owners import owner
from monitoring.database.pool import Database
from monitoring.projections import Projections
from monitoring.single_flight import SingleFlight

TABLES = ("positions", "orders", "account_history", "account_balances")
"""Those besides trades, which are counted as they are read."""
COUNT = "SELECT count(*) FROM {table} rows WHERE rows.session_id IS NULL AND {owner} IS NULL"
EXITS = """
SELECT count(*) FROM partial_trades part
WHERE NOT EXISTS (SELECT 1 FROM positions WHERE positions.id = part.position_id AND {owner} IS NOT NULL)
"""
MIN_AGE_SECONDS = 300.0
"""Counting reads whole tables, so that it is not done again at every change ..."""
MAX_AGE_SECONDS = 3600.0
"""... and after so long without one."""
MAX_WAIT_SECONDS = 1.0
"""For so long an answer waits for the count."""


class LeftOut:
    """Counts once in a while, for all who ask."""

    def __init__(self, database: Database, projections: Projections, clock: Clock) -> None:
        self._database = database
        self._projections = projections
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._counted: tuple[float, Hashable] | None = None
        self._counting: SingleFlight[str, None, None] = SingleFlight()

    async def by_table(self) -> dict[str, int]:
        """Tables of which it is not known (yet) are missing."""
        if self._is_due():
            task = self._counting.join("left out", None, self._count, lambda _: True)
            await asyncio.wait((asyncio.shield(task),), timeout=MAX_WAIT_SECONDS)
        return {**self._counts, **self._projections.left_out}

    def _is_due(self) -> bool:
        if self._counted is None:
            return True
        age, changed = self._clock.monotonic() - self._counted[0], self._counted[1] != self._version()
        return age > (MIN_AGE_SECONDS if changed else MAX_AGE_SECONDS)

    def _version(self) -> Hashable:
        return tuple(self._projections.version(table, ()) for table in (*TABLES, "partial_trades"))

    async def _count(self) -> None:
        version = self._version()
        try:
            self._counts = await self._database.ask(_read)
        except DatabaseUnavailable:
            # Too many rows for the time that a query may take, or nobody answers: unknown until the next look.
            self._counts = {}
        self._counted = self._clock.monotonic(), version


async def _read(connection: asyncpg.Connection, capabilities: Capabilities) -> dict[str, int]:
    found: dict[str, int] = {}
    for table in TABLES:
        if capabilities.has(table, "id", "session_id"):
            query = COUNT.format(table=table, owner=owner(capabilities, table, "rows"))
            found[table] = await connection.fetchval(query)
    if capabilities.has("partial_trades", "position_id") and capabilities.has("positions", "id", "session_id"):
        owned = owner(capabilities, "positions", "positions")
        found["partial_trades"] = await connection.fetchval(EXITS.format(owner=owned))
    return found
