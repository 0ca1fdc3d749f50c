"""The running state of one session."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from monitoring.clock import utc_now
from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, read_gate, with_running
from monitoring.ledger.flows import FlowLedger
from monitoring.ledger.history import HistoryLedger
from monitoring.ledger.positions import PositionLedger
from monitoring.ledger.trades import TradeLedger
from monitoring.metrics.facts import Session

FED = ("trades", "positions", "account_balances", "account_history")
"""Tables that the state is made of."""

FLOW_TABLES = {"account_balances", "account_history", "system_events"}
"""What deposits and withdrawals are found in, and measured against."""


@dataclass(slots=True, eq=False)
class Ledger:
    """Sums, days and open positions of one session. Refresh before reading: unchanged, that is one tiny query."""

    session: Session
    trades: TradeLedger
    history: HistoryLedger
    positions: PositionLedger
    flows: FlowLedger
    _gate: Gate | None = None
    _rebuild: bool = False
    _reprice: datetime | None = None
    """From when on the history must be read again, because deposits or withdrawals became known."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, session: Session) -> "Ledger":
        return cls(session, TradeLedger(session), HistoryLedger(session), PositionLedger(session), FlowLedger(session))

    async def refresh(self, connection: asyncpg.Connection, capabilities: Capabilities, standby: bool) -> None:
        """Brings the state up to what is committed now.

        Whatever interrupts it, each part has either taken in its news or will read them again.
        """
        async with self._lock:
            gate = await read_gate(connection, standby)
            if gate.same(self._gate):
                return
            if self._gate is not None and self._gate.started != gate.started:
                # Another server, or one that crashed: what was read from the one before may not be there.
                self.forget(*FED)
            state, now = await with_running(connection, gate), utc_now()
            await self._refresh_flows(connection, capabilities, state, now)
            if self._rebuild:
                await self.history.rebuild(connection, capabilities, now)
                self._rebuild = False
            await self.trades.refresh(connection, capabilities, state, now)
            await self.history.refresh(connection, capabilities, state, now)
            await self.positions.refresh(connection, capabilities, state)
            self._gate = gate

    async def _refresh_flows(
        self, connection: asyncpg.Connection, capabilities: Capabilities, gate: Gate, now: datetime
    ) -> None:
        since = await self.flows.refresh(connection, capabilities, gate)
        if since is not None:
            self._reprice = min(since, self._reprice or since)
        self.history.factors = self.flows.factors
        if self._reprice is not None:
            await self.history.reprice(connection, capabilities, now, self._reprice)
            self._reprice = None

    async def advance(self, connection: asyncpg.Connection) -> bool:
        """Reads one chunk of a long history; True when that completed it."""
        async with self._lock:
            complete = await self.history.advance(connection)
            if complete:
                # What came since its reading began is not in it yet.
                self._gate = None
            return complete

    def forget(self, *tables: str) -> None:
        """Old rows of ``tables`` changed: whatever was made of them is read again."""
        self._gate = None
        self.trades.counted &= "trades" not in tables
        self.positions.counted &= "positions" not in tables
        self.flows.read &= FLOW_TABLES.isdisjoint(tables)
        self._rebuild |= "account_history" in tables
