"""The update events of older clients: metrics, new trades, changed positions. Nothing is read while nobody listens."""

import asyncio
import logging
from collections.abc import Collection, Mapping

import asyncpg

from monitoring.backoff import Backoff
from monitoring.changes.change_set import ChangeSet, NewRow
from monitoring.database.capabilities import Capabilities, TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.payloads import position_payload, trade_payload
from monitoring.projections.trade_filter import TradeFilter
from monitoring.reading.reader import Reader
from monitoring.scope import Scope
from monitoring.scope_key import CURRENT
from monitoring.sections.position_rows import read_open
from monitoring.sections.section import Context
from monitoring.sections.trade_rows import Trade, read_trades, trades_by_id
from monitoring.transports.current_metrics import CurrentMetrics
from monitoring.transports.event_buffer import MAX_KEPT_ROWS, EventStreams

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
"""Between two events of a kind; the first after a silence is sent at once."""
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.5, 5.0

UNREADABLE = (DatabaseUnavailable, TableMissing)
"""Nothing can be read at the moment, so what is to be sent is kept."""


class LegacyEvents:
    """Turns changes of the current scope into ``metrics_update``, ``trade_update`` and ``position_update``."""

    def __init__(self, reader: Reader, metrics: CurrentMetrics, streams: EventStreams) -> None:
        self._reader = reader
        self._metrics = metrics
        self._streams = streams
        self._due = asyncio.Event()
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)
        self._pending = ChangeSet()
        """Of every session: which of them are current is found out when it is sent."""
        self._metrics_moved = False
        self._open: set[int] = set()
        """The open positions when the last event was sent."""

    @property
    def wanted(self) -> bool:
        return len(self._streams) > 0

    def changed(self, changes: ChangeSet) -> None:
        """Notes what changed; costs nothing while nobody listens."""
        if self.wanted:
            self._pending.merge(changes)
            self._due.set()

    async def _send(self) -> None:
        """Sends what has changed since the last time, all of a kind in one event, and the metrics with it."""
        if not self.wanted:
            return
        pending, self._pending = self._pending, ChangeSet()
        try:
            self._metrics_moved |= await self._send_changes(pending)
        except UNREADABLE:
            pending.merge(self._pending)
            self._pending = pending
            raise
        if self._metrics_moved:
            self._streams.emit("metrics_update", await self._metrics.read())
        self._metrics_moved = False

    async def _send_changes(self, changes: ChangeSet) -> bool:
        """Whether the current scope is concerned."""
        session = await self._reader.session(CURRENT)
        sessions = session.ids if session else ()
        if "trades" in changes.corrected:
            await self._send_newest_trades()
        if trades := dict.fromkeys(row.id for row in _rows_of(changes, "trades", sessions)):
            await self._send_trades(list(trades)[-MAX_KEPT_ROWS:])
        positions = {row.id: row.finished for row in _rows_of(changes, "positions", sessions)}
        if positions or "positions" in changes.corrected:
            await self._send_positions(positions, whole="positions" in changes.corrected)
        return _concerns(changes, sessions)

    async def _send_newest_trades(self) -> None:
        session = await self._reader.session(CURRENT)
        if session is None:
            return

        async def load(context: Context) -> list[Trade]:
            wanted = TradeFilter(limit=MAX_KEPT_ROWS)
            return await read_trades(context.connection, context.capabilities, context.state, wanted)

        trades = await self._reader.read(Scope(session, CURRENT), load, facts=False)
        self._streams.emit("trade_update", {"trades": [trade_payload(trade) for trade in trades]})

    async def _send_trades(self, ids: list[int]) -> None:
        async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> list[Trade]:
            return await trades_by_id(connection, capabilities, ids)

        trades = await self._reader.database.ask(load)
        self._streams.emit("trade_update", {"trades": [trade_payload(trade) for trade in trades]})

    async def _send_positions(self, closed_by_id: Mapping[int, bool], whole: bool) -> None:
        """Those that changed; with ``whole`` all open ones, and as closed also those that are gone since."""
        session = await self._reader.session(CURRENT)
        if session is None:
            return
        positions = await self._reader.read(Scope(session, CURRENT), read_open)
        before, self._open = self._open, {int(str(position.row["id"])) for position in positions}
        # One that a restart moves is gone from its old session, and open all the same.
        closed = {number for number, is_closed in closed_by_id.items() if is_closed} - self._open
        if whole:
            closed |= before - self._open
        changed = self._open if whole else closed_by_id.keys() - closed
        shown = [position for position in positions if position.row["id"] in changed]
        payload = {"positions": [position_payload(position) for position in shown], "closed": sorted(closed)}
        self._streams.emit("position_update", payload)

    def send_metrics_soon(self) -> None:
        """All of them may be different."""
        self._metrics_moved = True
        self._due.set()

    async def run(self) -> None:
        """Sends for ever what has changed, and the metrics with it."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._send()
            except UNREADABLE:
                self._due.set()
                await asyncio.sleep(self._backoff.next())
            await asyncio.sleep(PAUSE_SECONDS)


def _rows_of(changes: ChangeSet, table: str, sessions: Collection[int]) -> list[NewRow]:
    return [row for row in changes.rows.get(table, ()) if row.session in sessions]


def _concerns(changes: ChangeSet, sessions: Collection[int]) -> bool:
    """Whether anything of the sessions may be different. Rows of no session concern all."""
    owners = {row.session for rows in changes.rows.values() for row in rows}
    return bool(changes.corrected_tables) or None in owners or not owners.isdisjoint(sessions)
