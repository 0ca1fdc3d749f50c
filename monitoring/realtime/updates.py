"""The update events – whole metrics, new trades, changed positions – made only while somebody wants them."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import asyncpg

from monitoring.backoff import Backoff
from monitoring.changes.change_set import OLD_ROWS, NewRow
from monitoring.database.capabilities import Capabilities, TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.payloads import empty_metrics, metrics_payload, position_payload, trade_payload
from monitoring.reading.reader import Reader
from monitoring.realtime.unsent import MOST_ROWS
from monitoring.scope import CURRENT, Scope
from monitoring.sections.positions import load as load_positions
from monitoring.sections.section import Context
from monitoring.sections.trades import Trade, TradeFilter, read_trades, trades_by_id

log = logging.getLogger(__name__)

QUIET = 0.5
"""Seconds between two events of a kind at least; the first after a silence goes out at once."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.5, 5.0

AWAY = (DatabaseUnavailable, TableMissing)
"""Nothing can be read at the moment: what was to be told is kept."""


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
        self._backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._trades: dict[int, None] = {}
        self._positions: dict[int, bool] = {}
        """Whether each is closed by now."""
        self._corrected: set[str] = set()
        """Tables of which old rows changed that nobody can name."""
        self._open: set[int] = set()
        """Positions that were open when any were last told."""

    @property
    def wanted(self) -> bool:
        return any(audience.listeners for audience in self._audiences)

    async def metrics(self) -> dict[str, Any]:
        """The object of /api/metrics for the current session."""
        try:
            return await self._read_metrics()
        except DatabaseUnavailable:
            return empty_metrics("the database cannot be read", self._reader.shown.enabled)
        except TableMissing as missing:
            return empty_metrics(str(missing), self._reader.shown.enabled)

    async def _read_metrics(self) -> dict[str, Any]:
        session = await self._reader.session(CURRENT)
        if session is None:
            return empty_metrics("no session yet", self._reader.shown.enabled)

        async def load(context: Context) -> dict[str, Any]:
            return metrics_payload(self._reader.evaluation(context.facts))

        return await self._reader.read(Scope(session, CURRENT), load)

    async def changed(self, session: int, rows: Mapping[str, Sequence[NewRow]]) -> None:
        """Hears of every change; costs nothing while nobody wants to know."""
        if not self.wanted or session not in self._reader.hub.members(CURRENT):
            return
        self._corrected |= {table for table, found in rows.items() if OLD_ROWS in found}
        self._trades.update((row.id, None) for row in _named(rows, "trades"))
        self._positions.update((row.id, row.finished) for row in _named(rows, "positions"))
        self._due.set()

    async def _tell(self) -> None:
        """Sends what has changed since the last time, all of a kind in one event."""
        trades, self._trades = self._trades, {}
        positions, self._positions = self._positions, {}
        corrected, self._corrected = self._corrected, set()
        try:
            if "trades" in corrected:
                await self._tell_newest()
            if trades:
                await self._tell_trades(list(trades)[-MOST_ROWS:])
            if positions or "positions" in corrected:
                await self._tell_positions(positions, whole="positions" in corrected)
        except AWAY:
            self._trades, self._positions = trades | self._trades, positions | self._positions
            self._corrected |= corrected
            raise

    async def _tell_newest(self) -> None:
        session = await self._reader.session(CURRENT)
        if session is None:
            return

        async def load(context: Context) -> list[Trade]:
            wanted = TradeFilter(limit=MOST_ROWS)
            return await read_trades(context.connection, context.capabilities, context.state, wanted)

        trades = await self._reader.read(Scope(session, CURRENT), load, facts=False)
        await self._emit("trade_update", {"trades": [trade_payload(trade) for trade in trades]})

    async def _tell_trades(self, ids: list[int]) -> None:
        async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> list[Trade]:
            return await trades_by_id(connection, capabilities, ids)

        trades = await self._reader.database.ask(load)
        await self._emit("trade_update", {"trades": [trade_payload(trade) for trade in trades]})

    async def _tell_positions(self, closed_by_id: Mapping[int, bool], whole: bool) -> None:
        """Those that changed; or all that are open, and as closed those too that were and are no longer there."""
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

    def announce(self) -> None:
        """Sends the metrics soon: all of them may be others."""
        self._due.set()

    async def _announce(self) -> None:
        if self.wanted:
            await self._emit("metrics_update", await self._read_metrics())

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
                await self._tell()
                await self._announce()
            except AWAY:
                self._due.set()
                await asyncio.sleep(self._backoff.next())
            await asyncio.sleep(QUIET)


def _named(rows: Mapping[str, Sequence[NewRow]], table: str) -> list[NewRow]:
    return [row for row in rows.get(table, ()) if row != OLD_ROWS]
