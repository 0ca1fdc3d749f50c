"""What is known about one scope: the input of every metric, gathered from the projections and the sections' SQL.

All times are naive UTC, all money is in the account's base currency. ``None`` means unknown, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.metrics.guards import StopOrders
from monitoring.metrics.money import Books, Gap
from monitoring.metrics.reported import CloseOnly, Entry, Errors, Halt, Market, OrderSums, RiskAdjustment

Series = npt.NDArray[np.float64]


class Span(NamedTuple):
    """When a session ran; ``end`` is None while it does."""

    id: int
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """One row of ``trading_sessions``."""

    id: int
    """Of a bot: its first session's."""
    ids: tuple[int, ...]
    """Of all sessions that are shown together, oldest first."""
    name: str | None
    mode: str
    strategy: str
    symbols: tuple[str, ...]
    timeframe: str
    exchange: str | None
    start: datetime
    end: datetime | None
    initial_balance: Decimal | None
    config: dict[str, object]
    run_start: datetime | None = None
    """Of a bot: when its newest session began."""
    gaps: tuple[Gap, ...] = ()
    """Of a bot: what its balance differed by at restarts."""
    of_bot: tuple[Span, ...] = ()
    """Of a bot: its sessions, oldest first."""

    @property
    def newest(self) -> int:
        """Id of the newest session."""
        return self.ids[-1]

    @property
    def spans(self) -> tuple[Span, ...]:
        """Of all sessions that are shown together."""
        return self.of_bot or (Span(self.id, self.start, self.end),)

    @property
    def is_bot(self) -> bool:
        """Whether it is a bot, and not one session alone."""
        return self.run_start is not None

    @property
    def run_began(self) -> datetime:
        """When the newest session began."""
        return self.run_start or self.start

    def ended(self, now: datetime) -> datetime | None:
        """When it ended; None while it has not: an end that lies in the future is none."""
        return self.end if self.end is not None and self.end <= now else None


@dataclass(frozen=True, slots=True)
class Account:
    """The newest figures of the account, each with its own age."""

    balance: Decimal | None
    balance_at: datetime | None
    equity: Decimal | None
    """Of the newest real snapshot: audit rows say nothing about equity. See ``Facts.equity`` for that of now."""
    equity_at: datetime | None
    margin_used: Decimal | None
    margin_available: Decimal | None
    currency: str | None
    no_margin: str = "no margin recorded"
    """Why a figure of the margin is unknown."""


@dataclass(frozen=True, slots=True)
class Equity:
    """The equity of one moment: that of a snapshot, or balance and open P&L of now (see ``equity_now``)."""

    amount: Decimal
    at: datetime
    balance: Decimal | None = None
    """The balance of then; None where it is not known ..."""
    balance_at: datetime | None = None
    """... and when it was written."""
    is_now: bool = False
    """Whether it is newer than every snapshot."""


@dataclass(frozen=True, slots=True)
class Daily:
    """One close a UTC day, oldest first, missing days carried forward."""

    dates: tuple[date, ...]
    equity: Series
    """Last equity of the day, shape (days,)."""
    index: Series
    """The same with deposits and withdrawals taken out (a unit price: its ratios are the returns), shape (days,)."""
    base: float | None = None
    """The initial balance, from which the first day's return counts; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Decline from the running peak, in percent, flows taken out, peak seeded with the initial balance."""

    current: float
    maximum: float
    peak_at: datetime | None
    """Peak before the deepest decline; None when that peak is the initial balance."""
    valley_at: datetime | None
    recovered_at: datetime | None
    exact: bool
    """False while only daily closes have been read."""
    unknown: str | None = None
    """Why what it was last says nothing of now."""


@dataclass(frozen=True, slots=True)
class Risk:
    """|entry - first stop| x quantity / balance at entry, a fraction, of the trades that have a first stop."""

    mean: float
    median: float


@dataclass(frozen=True, slots=True)
class TradeSums:
    """Sums over every closed trade of the session; net = pnl - commission - margin interest."""

    total: int
    wins: int
    losses: int
    breakeven: int
    unknown: int
    """Trades whose P&L is NaN: in no sum here, and figures of all trades are unknown with them."""
    gross: Decimal
    fees: Decimal
    interest: Decimal
    gross_wins: Decimal
    """Sum of the P&L before costs that is positive."""
    net_wins: Decimal
    net_losses: Decimal
    """Sum of the losing trades' net P&L, zero or negative."""
    risk: Risk | None
    """None where no trade has one."""
    today: Decimal
    today_count: int
    week: Decimal
    outcomes: str
    """Newest first, at most ten letters of W, L, B."""
    today_unknown: int = 0
    week_count: int = 0
    week_unknown: int = 0
    """Trades of today and of the week whose P&L is NaN."""

    @property
    def net(self) -> Decimal:
        return self.net_wins + self.net_losses


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """What the metrics need of one open position."""

    id: int
    symbol: str
    side: str
    entry_price: Decimal | None
    current_price: Decimal | None
    quantity: Decimal | None
    unrealized: Decimal | None
    priced_at: datetime | None
    opened: datetime | None = None
    stop: Decimal | None = None
    """``stop_loss``; None where it is NULL, zero or NaN."""


class Outside(NamedTuple):
    """How many rows lie outside the times of their session, by more than clocks differ."""

    trades: int = 0
    history: int = 0
    """Snapshots and bookings of ``account_history``."""


NONE_OUTSIDE = Outside()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the catalogue computes from. A part that is None could not be read (its table is missing)."""

    now: datetime
    session: Session
    last_written: datetime | None
    """When the engine last wrote what only a running one writes."""
    run_written: datetime | None
    """The same of the newest session alone."""
    limit_seconds: float
    """How old ``last_sign`` may be before the engine is late: learned from its rhythm (see ``rhythm``)."""
    errors: Errors
    halt: Halt
    close_only: CloseOnly | None
    account: Account
    equity: Equity | None
    """The newest one that is known."""
    daily: Daily | None
    drawdown: Drawdown | None
    trades: TradeSums | None
    positions: tuple[OpenPosition, ...] | None
    orders: OrderSums | None
    entry: Entry | None
    """The newest one; None where it is not known whether its size was adjusted."""
    market: Market
    configured_risk: float | None
    """``risk_per_trade`` from the strategy's configuration, a fraction."""
    books: Books | None = None
    stop_orders: Mapping[int, StopOrders] = field(default_factory=dict)
    """By id of an open position; one for which none was ever placed is missing."""
    places_stops: bool = False
    """Whether the bot has ever placed a stop order."""
    outside: Outside = NONE_OUTSIDE
    no_trades: str = "trades cannot be read: the table is missing"
    """Why ``trades`` is None."""
    no_history: str = "equity history cannot be read: the table is missing"
    """Why ``daily`` or ``drawdown`` is None."""
    zone_offset: timedelta | None = None
    """By what the times of rows are off, where they are of the local time of the database's role."""

    @property
    def adjustment(self) -> RiskAdjustment | None:
        """Of the newest entry."""
        return None if self.entry is None else self.entry.adjustment

    @property
    def last_sign(self) -> datetime | None:
        """The newest sign of life: when the engine last wrote, or began a session."""
        began = self.session.run_began
        signs = (self.last_written, began if began <= self.now + MAX_CLOCK_SKEW else None)
        return max((sign for sign in signs if sign is not None), default=None)
