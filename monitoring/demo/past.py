"""Trades on past prices: what the engine would have done, minute by minute, with a skill that comes and goes."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import numpy as np
import numpy.typing as npt

from monitoring.demo.market import MINUTES_A_YEAR, STEPS, SYMBOLS, VOLATILITIES, Prices
from monitoring.demo.money import ZERO, Closing, Holding, exact, open_holding

PART = Decimal("0.5")
"""What a partial exit sells."""
PART_CHANCE = 0.12
REASONS = ("Strategy signal", "Signal reversal", "Time limit")
RISK_STEPS = ((0.08, 0.5), (0.04, 0.8))
"""From which drawdown on positions are how much smaller."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How one session trades."""

    symbols: tuple[str, ...]
    first: int
    """Minute in the path at which it starts."""
    last: int
    balance: Decimal
    entries_a_day: float
    slots: int
    sizes: tuple[float, float]
    skill: Callable[[float], float]
    """Chance to foresee the direction, by progress from 0 to 1."""
    flows: tuple[tuple[float, Decimal, str, str], ...] = ()
    """Progress, amount, reason, by whom."""
    pause: tuple[int, int] | None = None
    """Minutes in which the engine is down."""
    keep_open: int = 0
    """How many positions shall be open at the end; 0 closes all."""


@dataclass(frozen=True, slots=True)
class Booking:
    """A change of the balance."""

    minute: int
    at: datetime
    amount: Decimal
    balance: Decimal
    """Afterwards."""
    reason: str
    by: str
    flow: bool = False


@dataclass(slots=True)
class PastTrade:
    """A position with the minutes at which things happened to it."""

    holding: Holding
    opened: int
    exit_minute: int
    reason: str
    part_minute: int | None = None
    part_quantity: Decimal = ZERO
    part_at: datetime | None = None
    part_earned: Decimal = ZERO
    closing: Closing | None = None


@dataclass(frozen=True, slots=True)
class RiskChange:
    """A new ``position_size_factor``."""

    at: datetime
    before: float
    after: float
    drawdown: float


@dataclass(slots=True)
class Past:
    """Everything that happened in a session."""

    trades: list[PastTrade] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    risk: list[RiskChange] = field(default_factory=list)


class PastTrader:
    """Plays a plan against prices; the same generator gives the same past."""

    def __init__(self, prices: Prices, start: datetime, plan: Plan, generator: np.random.Generator) -> None:
        self._prices = prices
        self._start = start
        self._plan = plan
        self._random = generator
        self._past = Past()
        self._balance = self._peak = plan.balance
        self._factor = 1.0
        self._open: list[PastTrade] = []
        self._agenda: list[tuple[int, int, Callable[[int], None]]] = []
        self._number = 0

    def run(self) -> Past:
        plan = self._plan
        length = plan.last - plan.first
        entries = int(plan.entries_a_day * length / 1440)
        for minute in np.sort(self._random.integers(plan.first, plan.last - 240, entries)):
            self._at(int(minute), self._enter)
        for progress, amount, reason, by in plan.flows:
            self._at(plan.first + int(length * progress), partial(self._flow, amount, reason, by))
        for number in range(plan.keep_open):
            self._at(plan.last - 200 + 70 * number, self._enter_to_keep)
        while self._agenda:
            minute, _, action = heapq.heappop(self._agenda)
            action(minute)
        for trade in self._open:
            self._look_back(trade, plan.last)
        return self._past

    def _at(self, minute: int, action: Callable[[int], None]) -> None:
        self._number += 1
        heapq.heappush(self._agenda, (minute, self._number, action))

    def _enter(self, minute: int) -> None:
        down = self._plan.pause and self._plan.pause[0] <= minute < self._plan.pause[1]
        if down or len(self._open) >= self._plan.slots:
            return
        hours = float(np.clip(self._random.lognormal(np.log(7), 0.5), 0.75, 26))
        self._open_trade(minute, str(self._random.choice(self._plan.symbols)), int(hours * 60), room=1.0)

    def _enter_to_keep(self, minute: int) -> None:
        """Opens a position that will most likely still be open at the end."""
        plan = self._plan
        if len(self._open) >= plan.slots and minute < plan.last - 15:
            self._at(minute + 10, self._enter_to_keep)
            return
        kept = [trade.holding.symbol for trade in self._open if trade.exit_minute > plan.last]
        if len(kept) < plan.keep_open:
            symbol = next((name for name in plan.symbols if name not in kept), plan.symbols[0])
            self._open_trade(minute, symbol, 2_880, room=1.6)

    def _open_trade(self, minute: int, symbol: str, minutes: int, room: float) -> None:
        plan, column = self._plan, SYMBOLS.index(symbol)
        price = exact(float(self._prices[minute, column]))
        rises = self._prices[min(minute + minutes, plan.last), column] > float(price)
        progress = (minute - plan.first) / (plan.last - plan.first)
        foreseen = self._random.random() < plan.skill(progress)
        spread = float(VOLATILITIES[column]) * np.sqrt(minutes / MINUTES_A_YEAR) * room
        holding = open_holding(
            symbol,
            "LONG" if rises == foreseen else "SHORT",
            price,
            self._random.uniform(*plan.sizes) * self._factor,
            self._balance,
            self._moment(minute),
            stop=float(np.clip(1.5 * spread, 0.006, 0.08)),
            target=float(np.clip(2.2 * spread, 0.009, 0.12)),
        )
        holding.id = len(self._past.trades) + 1
        holding.confidence = exact(round(self._random.uniform(0.55, 0.92), 3))
        trade = self._foretell(holding, minute, minutes)
        self._past.trades.append(trade)
        self._open.append(trade)
        self._book(minute, -holding.fees, f"entry_fee_{symbol}")
        if trade.part_minute is not None:
            self._at(trade.part_minute, lambda m: self._take_part(m, trade))
        if trade.exit_minute <= plan.last:
            self._at(trade.exit_minute, lambda m: self._close(m, trade))

    def _foretell(self, holding: Holding, minute: int, minutes: int) -> PastTrade:
        """Reads from the prices when and why the position will end, and whether a part is sold before."""
        end = min(minute + minutes, self._plan.last)
        window = self._prices[minute + 1 : end + 1, SYMBOLS.index(holding.symbol)]
        sign = 1 if holding.side == "LONG" else -1
        stopped = _first(sign * window <= sign * float(holding.stop))
        reached = _first(sign * window >= sign * float(holding.target))
        exits = [(after, reason) for after, reason in ((stopped, "Stop loss"), (reached, "Take profit")) if after]
        after, reason = min(exits, default=(minutes, str(self._random.choice(REASONS))))
        if minute + after > self._plan.last and not self._plan.keep_open:
            after, reason = self._plan.last - minute, "Session end"
        trade = PastTrade(holding, minute, self._after_pause(minute + after), reason)
        half_way = float(holding.entry_price + holding.target) / 2
        part = _first(sign * window[: after - 1] >= sign * half_way)
        quantity = whole_steps(holding.quantity * PART, holding.symbol)
        if part and quantity and self._random.random() < PART_CHANCE:
            trade.part_minute, trade.part_quantity = self._after_pause(minute + part), quantity
            if trade.part_minute >= trade.exit_minute:
                trade.part_minute = None
        return trade

    def _after_pause(self, minute: int) -> int:
        pause = self._plan.pause
        return pause[1] if pause and pause[0] <= minute < pause[1] else minute

    def _take_part(self, minute: int, trade: PastTrade) -> None:
        holding = trade.holding
        booked = holding.take_part(self._price(holding.symbol, minute), trade.part_quantity)
        trade.part_at, trade.part_earned = self._moment(minute), holding.banked
        self._book(minute, booked, f"realized_pnl_{holding.symbol}_partial_exit")

    def _close(self, minute: int, trade: PastTrade) -> None:
        holding = trade.holding
        self._open.remove(trade)
        self._look_back(trade, minute)
        trade.closing = holding.close(self._price(holding.symbol, minute), self._moment(minute))
        self._book(minute, trade.closing.booked, f"realized_pnl_{holding.symbol}_{trade.reason}")
        self._adapt(trade.closing.at)

    def _look_back(self, trade: PastTrade, minute: int) -> None:
        """How far the price went either way since the entry."""
        holding = trade.holding
        window = self._prices[trade.opened : minute + 1, SYMBOLS.index(holding.symbol)]
        for index in (int(window.argmax()), int(window.argmin())):
            seen = self._moment(trade.opened + index) if index else holding.opened
            holding.excursion.see(holding.side, exact(float(window[index])), seen)

    def _flow(self, amount: Decimal, reason: str, by: str, minute: int) -> None:
        self._book(minute, amount, reason, by, flow=True)

    def _book(self, minute: int, amount: Decimal, reason: str, by: str = "live_engine", *, flow: bool = False) -> None:
        self._balance += amount
        self._peak = max(self._peak, self._balance)
        self._past.bookings.append(Booking(minute, self._moment(minute), amount, self._balance, reason, by, flow))

    def _adapt(self, at: datetime) -> None:
        """Smaller positions in a drawdown, as the engine's dynamic risk manager does."""
        drawdown = float((self._peak - self._balance) / self._peak)
        wanted = next((factor for level, factor in RISK_STEPS if drawdown >= level), 1.0)
        if wanted != self._factor:
            self._past.risk.append(RiskChange(at, self._factor, wanted, drawdown))
            self._factor = wanted

    def _price(self, symbol: str, minute: int) -> Decimal:
        return exact(float(self._prices[minute, SYMBOLS.index(symbol)]))

    def _moment(self, minute: int) -> datetime:
        # A few odd seconds into the minute, later for what is booked later in the same one.
        seconds = minute * 60 + 2 + minute * 7919 % 41 + 0.000_731 * (len(self._past.bookings) % 997)
        return self._start + timedelta(seconds=seconds)


def _first(hits: npt.NDArray[np.bool_]) -> int | None:
    """How many minutes until the first hit, None where there is none."""
    return int(hits.argmax()) + 1 if hits.any() else None


def whole_steps(quantity: Decimal, symbol: str) -> Decimal:
    return quantity // STEPS[symbol] * STEPS[symbol]
