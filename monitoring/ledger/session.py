"""The running state of one session."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import asyncpg

from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, read_gate, with_running
from monitoring.ledger.flows import FlowLedger
from monitoring.ledger.history import HistoryLedger
from monitoring.ledger.positions import PositionLedger
from monitoring.ledger.trades import TradeLedger
from monitoring.ledger.visit import Visit, newest_ids
from monitoring.metrics.facts import Session

PATIENCE = 0.4
"""Seconds that a refresh may spend on reading what is read as a whole, before it leaves the rest to the background."""
FEW = 20_000
"""So many rows are read at once, however long it takes."""


FED = ("trades", "positions", "account_balances", "system_events", "account_history")
"""Tables that the state is made of."""
BY_EXTENT = ("account_balances", "system_events", "account_history")
"""Of these the session's times decide which rows are its own; the rows of the others name it."""


@dataclass(slots=True, eq=False)
class Ledger:
    """Sums, days and open positions of one session. Refresh before reading: unchanged, that is one tiny query."""

    session: Session
    trades: TradeLedger
    history: HistoryLedger
    positions: PositionLedger
    flows: FlowLedger
    clock: Clock
    _gate: Gate | None = None
    _corrected: set[str] = field(default_factory=set)
    """Tables whose old rows changed, and ..."""
    _followed: Session | None = None
    """... the session's own row as it is now: taken in before the next look, never in the middle of one."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, session: Session, clock: Clock) -> "Ledger":
        parts = TradeLedger(session), HistoryLedger(session), PositionLedger(session), FlowLedger(session)
        return cls(session, *parts, clock)

    @property
    def reading(self) -> bool:
        """Whether something is still being read as a whole, see :meth:`advance`."""
        return self.flows.reading or self.trades.reading or self.history.reading

    @property
    def _parts(self) -> tuple[FlowLedger, TradeLedger, PositionLedger, HistoryLedger]:
        return self.flows, self.trades, self.positions, self.history

    @property
    def _rows_waiting(self) -> int:
        return self.flows.rows_waiting + self.trades.rows_waiting + self.history.rows_waiting

    @property
    def counting(self) -> float | None:
        """Share of everything that has been read while history is known by its closes at best; None afterwards."""
        return self.progress if self.reading and not self.history.exact else None

    @property
    def progress(self) -> float:
        """How much of all that has been read, 0 to 1; the history is by far the longest."""
        return 0.1 * self.flows.progress + 0.1 * self.trades.progress + 0.8 * self.history.progress

    def follow(self, session: Session) -> None:
        """This is the session's own row as it is now: it may have ended, say."""
        if (self._followed or self.session) != session:
            self._followed = session

    def forget(self, *tables: str) -> None:
        """Old rows of ``tables`` changed: whatever was made of them is read again."""
        self._corrected.update(tables)

    async def refresh(self, connection: asyncpg.Connection, capabilities: Capabilities, standby: bool) -> None:
        """Brings the state up to what is committed now.

        Whatever interrupts it, each part has either taken in its news or will read them again.
        """
        async with self._lock:
            self._take_in()
            gate = await read_gate(connection, standby, self.clock)
            if gate.same(self._gate):
                return
            if self._gate is not None and self._gate.started != gate.started:
                # Another server, or one that crashed: what was read from the one before may not be there.
                self._read_again(FED)
            if any(tail.unsettled(self.clock) for part in self._parts for tail in part.tails):
                gate = await with_running(connection, gate)
            newest = await newest_ids(connection, capabilities, FED)
            visit = Visit(connection, capabilities, gate, self.clock.now(), newest, self.clock)
            deadline = 0.0 if self.reading else self.clock.monotonic() + PATIENCE
            await self._look(visit)
            while self.reading and (self.clock.monotonic() < deadline or self._rows_waiting < FEW):
                if await self._advance(connection):
                    await self._look(visit)
            self._gate = gate

    def _take_in(self) -> None:
        if self._followed is not None:
            self._move_to(self._followed)
            self._followed = None
        if self._corrected:
            self._read_again(self._corrected)
            self._corrected = set()

    def _move_to(self, session: Session) -> None:
        before, self.session = self.session, session
        for part in self._parts:
            part.session = session
        if _extent(session) != _extent(before):
            self._read_again(BY_EXTENT)

    def _read_again(self, tables: Collection[str]) -> None:
        self._gate = None
        self.flows.forget(tables)
        if {"trades", "positions"} & set(tables):
            # The risk of a trade is a share of the balance that its position remembers.
            self.trades.forget()
        if "positions" in tables:
            self.positions.forget()
        if "account_history" in tables:
            self.history.forget()

    async def _look(self, visit: Visit) -> None:
        await self.flows.refresh(visit)
        await self.trades.refresh(visit)
        await self.positions.refresh(visit)
        if self.flows.known:
            await self.history.refresh(visit, self.flows.flows)

    async def advance(self, connection: asyncpg.Connection, capabilities: Capabilities, standby: bool) -> bool:
        """Reads one chunk of what is read as a whole; True when that completed a part of it, now in use."""
        async with self._lock:
            complete = await self._advance(connection)
            if complete:
                self._gate = None
        if complete:
            # Newer rows wait behind what has been read, and perhaps something else to be read.
            await self.refresh(connection, capabilities, standby)
        return complete

    async def _advance(self, connection: asyncpg.Connection) -> bool:
        """Quick and needed by others first, the many rows of a long history last."""
        if self.flows.reading:
            return await self.flows.advance(connection, self.clock)
        if self.trades.reading and self.history.closes is None:
            return await self.trades.advance(connection, self.clock)
        return await self.history.advance(connection, self.flows.flows, self.clock)


def _extent(session: Session) -> tuple[object, ...]:
    """What decides which rows are the session's, and where they begin."""
    return session.mode, session.start, session.end, session.initial_balance
