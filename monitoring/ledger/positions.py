"""Which positions of a session are open, kept by id: the table has no index on status."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from monitoring.clock import Clock
from monitoring.database.gate import Tail, start_tail
from monitoring.ledger.visit import Visit
from monitoring.metrics.facts import Session

NEEDS = ("id", "session_id", "status")

# Not status::text: an index on the open positions, of an enum too, is used for this alone.
OPEN = """
SELECT id, {last_update} AS last_update FROM positions
WHERE session_id = $1 AND status = 'OPEN' AND id <= $2 AND NOT id = ANY($3::bigint[])
"""
NEWEST = "SELECT max({last_update}) FROM positions WHERE session_id = $1 AND id > $2"
LOOK_BACK = 1000
"""Among how many of the newest positions the engine's last touch of one is sought."""
UNREAD = """
SELECT id, session_id, status::text AS status, {last_update} AS last_update FROM positions
WHERE id > $1 OR id = ANY($2::bigint[])
"""


@dataclass(slots=True)
class PositionLedger:
    """Ids of the open positions of one session, and when the engine last touched one."""

    session: Session
    open_ids: list[int] = field(default_factory=list)
    last_update: datetime | None = None
    counted: bool = False
    """False until read once."""
    _tail: Tail = field(default_factory=Tail)
    _stale: bool = False

    @property
    def tails(self) -> list[Tail]:
        return [self._tail]

    def forget(self) -> None:
        """Old rows changed. What is known stands until all have been read again."""
        self._stale = True

    async def refresh(self, visit: Visit) -> None:
        """Takes in new positions and what became of the open ones."""
        if not visit.capabilities.has("positions", *NEEDS):
            self.counted = False
            return
        last_update = visit.capabilities.column("positions", "last_update", "timestamp")
        if self._stale or not self.counted:
            await self._count(visit.connection, visit.clock, last_update)
            return
        watermark, gaps = self._tail.arguments
        query = UNREAD.format(last_update=last_update)
        rows = await visit.connection.fetch(query, watermark, [*gaps, *self.open_ids])
        self._stale = self._tail.settle(visit.gate)
        self._tail.saw((row["id"] for row in rows), visit.clock)
        mine = [row for row in rows if row["session_id"] == self.session.id]
        self.open_ids = sorted(row["id"] for row in mine if row["status"] == "OPEN")
        self._touch(row["last_update"] for row in mine)
        if self._stale:
            await self._count(visit.connection, visit.clock, last_update)

    async def _count(self, connection: asyncpg.Connection, clock: Clock, last_update: str) -> None:
        self._tail = await start_tail(connection, "positions", clock)
        query = OPEN.format(last_update=last_update)
        rows = await connection.fetch(query, self.session.id, self._tail.watermark, list(self._tail.gaps))
        newest = NEWEST.format(last_update=last_update)
        touched = await connection.fetchval(newest, self.session.id, self._tail.watermark - LOOK_BACK)
        self.open_ids, self.last_update = sorted(row["id"] for row in rows), None
        self._touch([touched, *(row["last_update"] for row in rows)])
        self.counted, self._stale = True, False

    def _touch(self, times: Iterable[datetime | None]) -> None:
        known = [at for at in (self.last_update, *times) if at is not None]
        self.last_update = max(known, default=None)
