"""The update events of older clients: metrics, new trades, changed positions. Nothing is read while nobody listens."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import asyncpg

from monitoring.backoff import Backoff
from monitoring.changes.change_set import OLD_ROWS, NewRow
from monitoring.database.capabilities import Capabilities, TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.payloads import position_payload, trade_payload
from monitoring.reading.reader import Reader
from monitoring.realtime.current_metrics import CurrentMetrics
from monitoring.realtime.event_buffer import MAX_KEPT_ROWS
from monitoring.scope import CURRENT, Scope
from monitoring.sections.positions import load as load_positions
from monitoring.sections.section import Context
from monitoring.sections.trades import Trade, TradeFilter, read_trades, trades_by_id

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""Between two events of a kind; the first after a silence is sent at once."""
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.5, 5.0

UNREADABLE = (DatabaseUnavailable, TableMissing)
"""Nothing can be read at the moment, so what is to be sent is kept."""


class Audience(Protocol):
    """Clients of one kind that want the update events: over Socket.IO, or as an event stream."""

    @property
    def listeners(self) -> int: ...

    async def emit(self, event: str, payload: dict[str, Any], /) -> None: ...


class LegacyEvents:
    """Turns changes of the current scope into ``metrics_update``, ``trade_update`` and ``position_update``."""

    def __init__(self, reader: Reader, metrics: CurrentMetrics, *audiences: Audience) -> None:
        self._reader = reader
        self._metrics = metrics
        self._audiences = audiences
        self._due = asyncio.Event()
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)
        self._trades: dict[int, None] = {}
        self._positions: dict[int, bool] = {}
        """Whether each is closed by now."""
        self._corrected: set[str] = set()
        """Tables in which old rows changed, though not which."""
        self._open: set[int] = set()
        """The open positions when the last event was sent."""

    @property
    def wanted(self) -> bool:
        return any(audience.listeners for audience in self._audiences)

    async def changed(self, session: int, rows: Mapping[str, Sequence[NewRow]]) -> None:
        """Notes what changed; costs nothing while nobody listens."""
        if not self.wanted or session not in self._reader.hub.members(CURRENT):
            return
        self._corrected |= {table for table, found in rows.items() if OLD_ROWS in found}
        self._trades.update((row.id, None) for row in _named(rows, "trades"))
        self._positions.update((row.id, row.finished) for row in _named(rows, "positions"))
        self._due.set()

    async def _send_changes(self) -> None:
        """Sends what has changed since the last time, all of a kind in one event."""
        trades, self._trades = self._trades, {}
        positions, self._positions = self._positions, {}
        corrected, self._corrected = self._corrected, set()
        try:
            if "trades" in corrected:
                await self._send_newest_trades()
            if trades:
                await self._send_trades(list(trades)[-MAX_KEPT_ROWS:])
            if positions or "positions" in corrected:
                await self._send_positions(positions, whole="positions" in corrected)
        except UNREADABLE:
            self._trades, self._positions = trades | self._trades, positions | self._positions
            self._corrected |= corrected
            raise

    async def _send_newest_trades(self) -> None:
        session = await self._reader.session(CURRENT)
        if session is None:
            return

        async def load(context: Context) -> list[Trade]:
            wanted = TradeFilter(limit=MAX_KEPT_ROWS)
            return await read_trades(context.connection, context.capabilities, context.state, wanted)

        trades = await self._reader.read(Scope(session, CURRENT), load, facts=False)
        await self._emit("trade_update", {"trades": [trade_payload(trade) for trade in trades]})

    async def _send_trades(self, ids: list[int]) -> None:
        async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> list[Trade]:
            return await trades_by_id(connection, capabilities, ids)

        trades = await self._reader.database.ask(load)
        await self._emit("trade_update", {"trades": [trade_payload(trade) for trade in trades]})

    async def _send_positions(self, closed_by_id: Mapping[int, bool], whole: bool) -> None:
        """Those that changed; with ``whole`` all open ones, and as closed also those that are gone since."""
        session = await self._reader.session(CURRENT)
        if session is None:
            return
        view = await self._reader.read(Scope(session, CURRENT), load_positions)
        before, self._open = self._open, {int(str(position.row["id"])) for position in view.positions}
        # One that a restart moves is gone from its old session, and open all the same.
        closed = {number for number, is_closed in closed_by_id.items() if is_closed} - self._open
        if whole:
            closed |= before - self._open
        changed = self._open if whole else closed_by_id.keys() - closed
        shown = [position for position in view.positions if position.row["id"] in changed]
        payload = {"positions": [position_payload(position) for position in shown], "closed": sorted(closed)}
        await self._emit("position_update", payload)

    def send_metrics_soon(self) -> None:
        """All of them may be different."""
        self._due.set()

    async def _send_metrics(self) -> None:
        if self.wanted:
            await self._emit("metrics_update", await self._metrics.read())

    async def _emit(self, event: str, payload: dict[str, Any]) -> None:
        for audience in self._audiences:
            if audience.listeners:
                await audience.emit(event, payload)

    async def run(self) -> None:
        """Sends for ever what has changed, and the metrics with it."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._send_changes()
                await self._send_metrics()
            except UNREADABLE:
                self._due.set()
                await asyncio.sleep(self._backoff.next())
            await asyncio.sleep(PAUSE_SECONDS)


def _named(rows: Mapping[str, Sequence[NewRow]], table: str) -> list[NewRow]:
    return [row for row in rows.get(table, ()) if row != OLD_ROWS]
