"""Which positions of a session are open, kept by id: the table has no index on status."""

from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, Tail, start_tail
from monitoring.metrics.facts import Session

OPEN = """
SELECT id, {last_update} AS last_update FROM positions
WHERE session_id = $1 AND status::text = 'OPEN' AND id <= $2
"""
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
    _tail: Tail = field(default_factory=Tail)

    async def refresh(self, connection: asyncpg.Connection, capabilities: Capabilities, gate: Gate) -> None:
        if not capabilities.has("positions", "id", "session_id", "status"):
            return
        last_update = capabilities.column("positions", "last_update", "timestamp")
        if not self.counted:
            await self._count(connection, last_update)
            return
        watermark, gaps = self._tail.arguments
        query = UNREAD.format(last_update=last_update)
        rows = await connection.fetch(query, watermark, [*gaps, *self.open_ids])
        self.counted = not self._tail.settle(gate)
        self._tail.saw(row["id"] for row in rows)
        mine = [row for row in rows if row["session_id"] == self.session.id]
        self.open_ids = sorted(row["id"] for row in mine if row["status"] == "OPEN")
        self._touch(mine)
        if not self.counted:
            await self._count(connection, last_update)

    async def _count(self, connection: asyncpg.Connection, last_update: str) -> None:
        self._tail = await start_tail(connection, "positions")
        query = OPEN.format(last_update=last_update)
        rows = await connection.fetch(query, self.session.id, self._tail.watermark)
        self.open_ids = sorted(row["id"] for row in rows)
        self._touch(rows)
        self.counted = True

    def _touch(self, rows: list[asyncpg.Record]) -> None:
        times = [row["last_update"] for row in rows if row["last_update"] is not None]
        self.last_update = max([*times, *([self.last_update] if self.last_update else [])], default=None)
