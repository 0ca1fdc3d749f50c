"""What the projections know of one scope: its sessions as one history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce

from monitoring.database.source import Source
from monitoring.metrics.facts import Risk, Session
from monitoring.metrics.money import Flow
from monitoring.metrics.rhythm import counts_as_ended
from monitoring.projections import signs_of_life
from monitoring.projections.bookings import Bookings, SessionFlows
from monitoring.projections.equity import EquityHistory
from monitoring.projections.equity_curve import EquityCurve
from monitoring.projections.failed_orders import FailedOrders
from monitoring.projections.known_risks import KnownRisks
from monitoring.projections.open_positions import OpenPositions
from monitoring.projections.outside import SessionRows
from monitoring.projections.trade_columns import TradeTable
from monitoring.projections.trade_sums import SumsByDay
from monitoring.projections.trades import ScopeTrades, SessionTrades, TradeTotals


@dataclass(frozen=True, slots=True)
class ScopePositions:
    """The open positions of the scope."""

    open_ids: list[int]
    counted: bool
    """False until they have been read once, or where they cannot be."""


@dataclass(frozen=True, slots=True)
class ScopeSigns:
    """When the engine wrote; nothing of it is in the future."""

    last_written: datetime | None
    run_written: datetime | None
    """The same of the newest session alone."""

    def fell_silent(self, session: Session, now: datetime) -> datetime | None:
        """The last sign of life, where that is so old that the session counts as ended; None otherwise."""
        last_sign = max(session.run_began, self.last_written or session.run_began)
        return last_sign if counts_as_ended(last_sign, now) else None


@dataclass(slots=True)
class MergedTrades:
    """Sums of all sessions of a scope. Those of ended sessions are put together once."""

    _before: tuple[object, SumsByDay] | None = None
    _all: tuple[object, SumsByDay] | None = None
    _risk: tuple[object, Risk | None] | None = None
    _risks: KnownRisks = field(default_factory=KnownRisks)

    def of(self, states: list[SessionTrades], generation: int) -> SumsByDay:
        """The sums of sessions, the newest last."""
        if not states:
            return SumsByDay()
        *others, newest = states
        made_of = (generation, tuple(state.version for state in others))
        if self._before is None or self._before[0] != made_of:
            self._before = made_of, reduce(SumsByDay.merged, (state.sums for state in others), SumsByDay())
        with_newest = (made_of, newest.version)
        if self._all is None or self._all[0] != with_newest:
            self._all = with_newest, self._before[1].merged(newest.sums)
        return self._all[1]

    def risk(self, states: list[SessionTrades], tables: Iterable[TradeTable], generation: int) -> Risk | None:
        """What trades of all sessions risked, by their tables; None where none of them has a first stop."""
        made_of = (generation, tuple((state.version, state.touches) for state in states))
        if self._risk is None or self._risk[0] != made_of:
            self._risk = made_of, self._risks.of(tables)
        return self._risk[1]


@dataclass(frozen=True, slots=True)
class ScopeState:
    """Of one moment."""

    session: Session
    trades: ScopeTrades
    positions: ScopePositions
    signs: ScopeSigns
    fell_silent: datetime | None
    """See ``ScopeSigns``."""
    limit_seconds: float
    """How old the last sign of life may be before the engine is late."""
    flows: tuple[Flow, ...]
    failed_orders: list[int]
    """Ids of the orders of any session that may have failed in the last hour."""
    history: EquityCurve
    rows: Mapping[int, SessionRows]
    """By session."""
    reading: bool
    """Whether something is still being read as a whole."""
    progress: float
    """How much of all that has been read, 0 to 1."""
    changes: int
    """``Projections.changes`` when this was put together."""

    @property
    def counting(self) -> float | None:
        """Share of everything that has been read while history is known by its closes at best; None afterwards."""
        return self.progress if not self.history.exact and self.reading else None


FLOWS = frozenset({Bookings.table})
SOURCES = {
    "session": frozenset[str](),
    "trades": frozenset({TradeTotals.table}),
    "positions": frozenset({OpenPositions.table}),
    "signs": signs_of_life.TABLES | {OpenPositions.table},
    # Once in seven days at most: no reason to look again at each row.
    "fell_silent": frozenset[str](),
    "limit_seconds": signs_of_life.BEAT_TABLES,
    "flows": FLOWS,
    "failed_orders": frozenset({FailedOrders.table}),
    "history": FLOWS | {EquityHistory.table},
    "rows": frozenset({TradeTotals.table, EquityHistory.table}),
    "reading": frozenset[str](),
    "progress": frozenset[str](),
}
"""For each part of the state the tables whose new rows change it. Of the session itself everything depends anyway."""


async def flows_of(source: Source, states: Mapping[int, SessionFlows], session: Session) -> tuple[Flow, ...]:
    """The flows of a scope, oldest first."""
    mine = {number: states[number] for number in session.ids if number in states}
    for number, state in mine.items():
        await state.settle(source, number)
    found = (flow for state in mine.values() for flow in state.in_order())
    return tuple(sorted(found, key=lambda flow: flow.at))
