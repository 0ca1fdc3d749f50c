"""Orders that failed lately, or whose outcome is unknown: no index leads to them, since they may be of any age."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import asyncpg

from monitoring.changes.snapshot_token import IdCursor
from monitoring.clock import Clock
from monitoring.database.source import Source

NEEDS = ("id", "status", "created_at", "session_id")
FAILED = ("FAILED", "UNKNOWN", "UNRESOLVED")
WINDOW = timedelta(hours=1)
"""For so long an order counts that failed."""

ROWS = "SELECT id::bigint AS id, coalesce({last_update}, created_at) AS at FROM orders WHERE status::text = ANY($1)"
SINCE = f"SELECT * FROM ({ROWS}) failed WHERE at > $2"
BY_ID = f"{ROWS} AND id = ANY($2::bigint[])"


class FailedOrders:
    """Of every session, by the time of their last update. All orders are looked at once, then those that change."""

    table = "orders"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[int, datetime] = {}

    def clear(self) -> None:
        """Nothing is known."""
        self._at = {}

    async def begin(self, source: Source, _cursor: IdCursor | None) -> None:
        """Reads all that failed in the last hour, in place of what is known."""
        rows = await self._fetch(source, SINCE, self._clock.now() - WINDOW)
        self.clear()
        self._take(rows)

    async def read(self, source: Source, ids: Sequence[int]) -> Callable[[], None]:
        """What became of some orders; calling what is returned takes it in."""
        rows = await self._fetch(source, BY_ID, ids)

        def take() -> None:
            for number in ids:
                self._at.pop(number, None)
            self._take(rows)

        return take

    @property
    def ids(self) -> list[int]:
        """Those of the last hour, and a few older ones."""
        return list(self._at)

    def _take(self, rows: Iterable[asyncpg.Record]) -> None:
        since = self._clock.now() - WINDOW
        found = self._at | {row["id"]: row["at"] for row in rows if row["at"] is not None}
        self._at = {number: at for number, at in found.items() if at > since}

    async def _fetch(self, source: Source, query: str, *values: object) -> list[asyncpg.Record]:
        if not source.capabilities.has(self.table, *NEEDS):
            return []
        last_update = source.capabilities.column(self.table, "last_update", "timestamp")
        rows: list[asyncpg.Record] = await source.connection.fetch(
            query.format(last_update=last_update), list(FAILED), *values
        )
        return rows
