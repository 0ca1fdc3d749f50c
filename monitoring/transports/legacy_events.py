"""The update events of older clients: metrics, new trades, changed positions. Nothing is read while nobody listens."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import asyncpg

from monitoring.backoff import Backoff
from monitoring.changes.change_set import ChangeSet, NewRow
from monitoring.database.capabilities import Capabilities, TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.owners import owner
from monitoring.metrics.facts import Session
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


@dataclass(slots=True)
class Pending:
    """What is to be sent."""

    changes: ChangeSet = field(default_factory=ChangeSet)
    """Of every session: which of them are current is found out when it is sent."""
    metrics: bool = False
    open_before: set[int] = field(default_factory=set)
    """Positions that programs may take for open: they were before everything was read again."""
    trades_before: set[int] = field(default_factory=set)
    """The newest trades that there were."""

    def merge(self, later: "Pending") -> None:
        self.changes.merge(later.changes)
        self.metrics |= later.metrics
        self.open_before |= later.open_before
        self.trades_before |= later.trades_before

    def not_read_again(self) -> "Pending":
        """What is known of tables that are still to be read again."""
        corrected = self.changes.corrected_tables
        return Pending(
            open_before=set() if "positions" in corrected else self.open_before,
            trades_before=set() if "trades" in corrected else self.trades_before,
        )


class LegacyEvents:
    """Turns changes of the current scope into ``metrics_update``, ``trade_update`` and ``position_update``.

    When everything is read again, or the scope is another one, programs are sent the newest trades and all open
    positions, and the ids of those that are none any more, whichever way they came to know them.
    """

    def __init__(self, reader: Reader, metrics: CurrentMetrics, streams: EventStreams) -> None:
        self._reader = reader
        self._metrics = metrics
        self._streams = streams
        self._due = asyncio.Event()
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)
        self._pending = Pending()

    @property
    def wanted(self) -> bool:
        return len(self._streams) > 0

    def changed(self, changes: ChangeSet) -> None:
        """Notes what changed; costs nothing while nobody listens."""
        if self.wanted:
            self._pending.changes.merge(changes)
            self._due.set()

    def send_metrics_soon(self) -> None:
        """All of them may be different."""
        self._pending.metrics = True
        self._due.set()

    def remember(self, sessions: Collection[int]) -> None:
        """Notes what programs may know of the current sessions, before the projections forget it."""
        if self.wanted:
            known = self._reader.projections
            self._pending.open_before.update(known.positions.ids(sessions))
            states = (known.trades.states[number] for number in sessions if number in known.trades.states)
            self._pending.trades_before.update(*(state.columns.newest_ids(MAX_KEPT_ROWS) for state in states))

    def scope_moved(self, before: Collection[int] | None) -> None:
        """The current sessions are others than ``before``, which is None where they were not known yet."""
        if before is not None:
            self.remember(before)
            self.changed(ChangeSet(corrected={"trades", "positions"}))
        self.send_metrics_soon()

    async def _send(self) -> None:
        """Sends what has changed since the last time, all of a kind in one event, and the metrics with it."""
        pending, self._pending = self._pending, Pending()
        if not self.wanted:
            return
        try:
            pending.metrics |= await self._send_changes(pending)
            if pending.metrics:
                self._streams.emit("metrics_update", await self._metrics.read())
        except UNREADABLE:
            pending.merge(self._pending)
            self._pending = pending
            raise
        self._pending.merge(pending.not_read_again())

    async def _send_changes(self, pending: Pending) -> bool:
        """Whether the current scope is concerned."""
        session, changes = await self._reader.session(CURRENT), pending.changes
        sessions = session.ids if session else ()
        if "trades" in changes.corrected_tables:
            await self._send_newest_trades(session, pending.trades_before)
        if trades := dict.fromkeys(row.id for row in _rows_of(changes, "trades", sessions)):
            await self._send_trades(list(trades)[-MAX_KEPT_ROWS:])
        positions = {row.id: row.finished for row in _rows_of(changes, "positions", sessions)}
        if positions or "positions" in changes.corrected_tables:
            before = pending.open_before if "positions" in changes.corrected_tables else None
            await self._send_positions(session, positions, before)
        return _concerns(changes, sessions)

    async def _send_newest_trades(self, session: Session | None, before: Collection[int]) -> None:
        async def load(context: Context) -> list[Trade]:
            wanted = TradeFilter(limit=MAX_KEPT_ROWS)
            return await read_trades(context.connection, context.capabilities, context.state, wanted)

        scope = session and Scope(session, CURRENT)
        trades = await self._reader.read(scope, load, facts=False) if scope else []
        removed = set(before).difference(await self._remaining(before, session.ids if session else ()))
        payload = {"trades": [trade_payload(trade) for trade in trades]}
        self._streams.emit("trade_update", payload | ({"removed": sorted(removed)} if removed else {}))

    async def _remaining(self, ids: Collection[int], sessions: Collection[int]) -> set[int]:
        """Those of some trades that are there and belong to one of the sessions."""

        async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> set[int]:
            session = owner(capabilities, "trades", "t")
            query = f"SELECT t.id FROM trades t WHERE t.id = ANY($1::bigint[]) AND {session} = ANY($2::bigint[])"
            return {row["id"] for row in await connection.fetch(query, list(ids), list(sessions))}

        return await self._reader.database.ask(load) if ids and sessions else set()

    async def _send_trades(self, ids: list[int]) -> None:
        async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> list[Trade]:
            return await trades_by_id(connection, capabilities, ids)

        trades = await self._reader.database.ask(load)
        self._streams.emit("trade_update", {"trades": [trade_payload(trade) for trade in trades]})

    async def _send_positions(
        self, session: Session | None, closed_by_id: Mapping[int, bool], before: Collection[int] | None
    ) -> None:
        """Those that changed; with ``before`` all open ones, and as closed also those of ``before`` that are not."""
        scope = session and Scope(session, CURRENT)
        positions = await self._reader.read(scope, read_open) if scope else []
        open_now = {int(str(position.row["id"])) for position in positions}
        # One that a restart moves is gone from its old session, and open all the same.
        closed = {number for number, is_closed in closed_by_id.items() if is_closed}.union(before or ()) - open_now
        changed = closed_by_id.keys() - closed if before is None else open_now
        shown = [position for position in positions if position.row["id"] in changed]
        payload = {"positions": [position_payload(position) for position in shown], "closed": sorted(closed)}
        self._streams.emit("position_update", payload)

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
