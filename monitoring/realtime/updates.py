"""The update events – whole metrics, new trades, changed positions – made only while somebody wants them."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from monitoring.database.pool import DatabaseUnavailable
from monitoring.payloads import empty_metrics, metrics_payload, position_payload, trade_payload
from monitoring.reader import Reader
from monitoring.realtime.watch import NewRow
from monitoring.scope import CURRENT, Scope
from monitoring.sections.positions import load as load_positions
from monitoring.sections.trades import trades_by_id

log = logging.getLogger(__name__)

QUIET = 1.0
"""Seconds between two ``metrics_update`` events at least."""
METRICS = frozenset({"trades", "positions", "account_history", "account_balances", "orders", "system_events"})


class Audience(Protocol):
    """Clients of one kind that want the update events: over Socket.IO, or as an event stream."""

    @property
    def listeners(self) -> int: ...

    async def emit(self, event: str, payload: dict[str, Any], /) -> None: ...


class Updates:
    """Turns changes of the current session into ``metrics_update``, ``trade_update`` and ``position_update``."""

    def __init__(self, reader: Reader, *audiences: Audience) -> None:
        self._reader = reader
        self._audiences = audiences
        self._due = asyncio.Event()

    @property
    def wanted(self) -> bool:
        return any(audience.listeners for audience in self._audiences)

    async def metrics(self) -> dict[str, Any]:
        """The object of /api/metrics for the current session."""
        try:
            session = await self._reader.session(CURRENT)
            if session is None:
                return empty_metrics("no session yet")
            async with self._reader.context(Scope(session, CURRENT)) as context:
                return metrics_payload(context.facts)
        except DatabaseUnavailable:
            return empty_metrics("the database cannot be read")

    async def changed(self, session: int, rows: Mapping[str, list[NewRow]]) -> None:
        """Hears of every change; costs nothing while nobody wants to know."""
        if not self.wanted or str(session) != self._reader.hub.current:
            return
        if METRICS & rows.keys():
            self._due.set()
        if "trades" in rows:
            await self._trades([row.id for row in rows["trades"]])
        if "positions" in rows:
            await self._positions(rows["positions"])

    async def _trades(self, ids: list[int]) -> None:
        async with self._reader.database.acquire() as connection:
            trades = await trades_by_id(connection, self._reader.database.capabilities, ids)
        await self._emit("trade_update", {"trades": [trade_payload(trade) for trade in trades]})

    async def _positions(self, rows: list[NewRow]) -> None:
        session = await self._reader.session(CURRENT)
        if session is None:
            return
        changed = {row.id for row in rows if not row.finished}
        async with self._reader.context(Scope(session, CURRENT)) as context:
            view = await load_positions(context)
        positions = [position_payload(position) for position in view.positions if position.row["id"] in changed]
        closed = [row.id for row in rows if row.finished]
        await self._emit("position_update", {"positions": positions, "closed": closed})

    async def announce(self) -> None:
        """Sends the metrics now, after a full refresh."""
        if self.wanted:
            await self._emit("metrics_update", await self.metrics())

    async def _emit(self, event: str, payload: dict[str, Any]) -> None:
        for audience in self._audiences:
            if audience.listeners:
                await audience.emit(event, payload)

    async def run(self) -> None:
        """Sends the metrics after changes, the first at once, then at most one a second."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self.announce()
            await asyncio.sleep(QUIET)
