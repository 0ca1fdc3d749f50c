"""The running state of one session."""

import asyncio
from dataclasses import dataclass, field

import asyncpg

from monitoring.clock import utc_now
from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, read_gate
from monitoring.ledger.flows import FlowLedger
from monitoring.ledger.history import HistoryLedger
from monitoring.ledger.positions import PositionLedger
from monitoring.ledger.trades import TradeLedger
from monitoring.metrics.facts import Session


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
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, session: Session) -> "Ledger":
        return cls(session, TradeLedger(session), HistoryLedger(session), PositionLedger(session), FlowLedger(session))

    async def refresh(self, connection: asyncpg.Connection, capabilities: Capabilities, standby: bool) -> None:
        """Brings the state up to what is committed now."""
        async with self._lock:
            gate = await read_gate(connection, standby)
            if gate.same(self._gate):
                return
            now = utc_now()
            repriced = await self.flows.refresh(connection, capabilities, gate)
            self.history.factors = self.flows.factors
            if repriced is not None:
                await self.history.reprice(connection, capabilities, now, repriced)
            if self._rebuild:
                await self.history.rebuild(connection, capabilities, now)
                self._rebuild = False
            await self.trades.refresh(connection, capabilities, gate, now)
            await self.history.refresh(connection, capabilities, gate, now)
            await self.positions.refresh(connection, capabilities, gate)
            self._gate = gate

    async def advance(self, connection: asyncpg.Connection) -> bool:
        """Reads one chunk of a long history; True when that completed it."""
        async with self._lock:
            return await self.history.advance(connection)

    def forget(self, *tables: str) -> None:
        """Old rows of ``tables`` changed: whatever was made of them is read again."""
        self._gate = None
        self.trades.counted &= "trades" not in tables
        self.positions.counted &= "positions" not in tables
        self.flows.read &= "account_balances" not in tables and "account_history" not in tables
        self._rebuild |= "account_history" in tables
