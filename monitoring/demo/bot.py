"""What a simulated bot decides, a few times a day: when to enter, how to look after a position, when to leave."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from monitoring.demo import journal
from monitoring.demo.desk import Desk
from monitoring.demo.market import STEPS, Market
from monitoring.demo.money import Holding, exact, open_holding
from monitoring.demo.records import LONG_AGO, Row
from monitoring.demo.signals import indicators

SNAPSHOT_MINUTES = 30
REASONS = ("Strategy signal", "Signal reversal", "Max holding period")
PART = Decimal("0.5")
"""The share of a position that a partial exit sells."""
PART_CHANCE = 0.15
REFUSED_CHANCE = 0.02
REMARK_CHANCE = 0.012
"""The chance that the engine logs a remark at the end of a candle."""
SLIPPAGE_SHARE = 0.00015
"""The standard deviation of a fill's price from the price that was asked for."""
LOCKED_IN = Decimal("0.4")
"""The share of the gain so far that a trailing stop protects."""
MAX_KEPT_CLOSES = 60
CANDLES_PER_DAY = {"1h": 24, "4h": 6}
RISK_STEPS = ((0.10, 0.6), (0.05, 0.8))
"""Pairs: from this drawdown on, the size of a position is multiplied by this factor."""
REMARKS = (
    ("WARNING", "warning", "connectivity", "Kline stream of {symbol} silent for {n} s, reconnecting", "WS_RECONNECT"),
    ("WARNING", "info", "connectivity", "User data WebSocket recovered, REST polling disabled", "USER_WS_RECOVERED"),
    ("WARNING", "warning", "data", "Candle of {symbol} arrived {n} s late", "STALE_CANDLE"),
    ("SHORT_ENTRY_SUPPRESSED", "info", "execution", "Short entry in {symbol} suppressed: {n} bars in a row", None),
)


@dataclass(frozen=True, slots=True)
class Style:
    """How a bot trades; hours are those of the market."""

    mode: str
    strategy: str
    timeframe: str
    symbols: tuple[str, ...]
    exchange: str
    balance: Decimal
    """The balance that the bot began with."""
    slots: int
    sizes: tuple[float, float]
    config: object
    pause_hours: tuple[float, float] = (3.2, 5.5)
    """Shortest and longest pause between entries while a position is open."""
    hold_hours: tuple[float, float, float] = (2.0, 9.0, 24.0)
    """How long a position is held: shortest, median, longest."""
    stop: float = 1.5
    """The distance of the stop, as a multiple of the usual move of the price in that time; the target likewise."""
    target: float = 2.2
    skill: float = 0.575
    """The chance that the bot foresees the direction."""


@dataclass(slots=True)
class Intent:
    """What is planned for a position."""

    until: datetime
    reason: str
    takes_part: bool
    trailed: bool


@dataclass(slots=True)
class Bot:
    """Trades at one desk on one market; ``speed`` is how many times as fast its market's hours pass."""

    style: Style
    desk: Desk
    market: Market
    random: np.random.Generator
    speed: float = 1.0
    skill: float = 0.6
    closes: dict[str, deque[float]] = field(default_factory=dict)
    """The closing prices of the last candles, by symbol."""
    _intents: dict[int, Intent] = field(default_factory=dict)
    _candle: int = -1
    _next_entry: datetime = LONG_AGO
    _next_snapshot: datetime = LONG_AGO

    async def tick(self) -> None:
        """Positions are priced, some end, and at the end of a candle the strategy looks for new ones."""
        prices = {symbol: self.market.price(symbol) for symbol in self.style.symbols}
        if self.desk.holdings:
            await self.desk.mark(prices)
        for holding in tuple(self.desk.holdings):
            await self._look_after(holding, prices[holding.symbol])
        now = self.desk.timer.now()
        candle = self._candle_at(now)
        if candle != self._candle and (self._candle >= 0 or not self.desk.holdings):
            await self._look(prices)
        self._candle = candle
        if now >= self._next_snapshot:
            await self.desk.snapshot(prices)
            self._next_snapshot = now + self._hours(SNAPSHOT_MINUTES / 60)

    def _hours(self, hours: float) -> timedelta:
        return timedelta(hours=hours / self.speed)

    def _candle_at(self, now: datetime) -> int:
        return int((now - LONG_AGO) / self._hours(24 / CANDLES_PER_DAY[self.style.timeframe]))

    async def _look(self, prices: Mapping[str, Decimal]) -> None:
        chosen = await self._choice()
        for symbol in self.style.symbols:
            self.closes.setdefault(symbol, deque(maxlen=MAX_KEPT_CLOSES)).append(float(prices[symbol]))
            if symbol == chosen:
                await self._enter(symbol, prices[symbol])
            else:
                row = self._decision(symbol, prices[symbol], confidence=float(self.random.uniform(0.3, 0.58)))
                await self.desk.store.add("strategy_executions", row)
        if self.random.random() < REMARK_CHANCE:
            await self._remark()

    async def _choice(self) -> str | None:
        """The symbol to enter now, if any."""
        held = {holding.symbol for holding in self.desk.holdings}
        free = [symbol for symbol in self.style.symbols if symbol not in held]
        due = not held or self.desk.timer.now() >= self._next_entry
        if not due or not free or len(held) >= self.style.slots or await self.desk.store.halted():
            return None
        return str(self.random.choice(free))

    async def _enter(self, symbol: str, price: Decimal) -> None:
        low, usual, high = self.style.hold_hours
        hours = float(np.clip(self.random.lognormal(np.log(usual), 0.5), low, high))
        asked = await self._wanted(symbol, price, hours)
        if self.random.random() < REFUSED_CHANCE:
            await self.desk.refuse(asked)
            return
        side = asked.side.lower()
        row = self._decision(
            symbol, price, action=f"opened_{side}", confidence=float(asked.confidence), size=asked.size
        )
        await self.desk.enter(asked, self._got(price), row)
        now = self.desk.timer.now()
        self._intents[self.desk.holdings[-1].id] = self._intent(now + self._hours(hours))
        self._next_entry = now + self._hours(float(self.random.uniform(*self.style.pause_hours)))

    async def _wanted(self, symbol: str, price: Decimal, hours: float) -> Holding:
        """The position that the strategy would open, to be held for so many hours."""
        style, spread = self.style, self.market.spread(symbol, hours)
        rises = self.market.foresee(symbol, hours) > float(price)
        foreseen = self.random.random() < self.skill
        asked = open_holding(
            symbol,
            "LONG" if rises == foreseen else "SHORT",
            price,
            self.random.uniform(*style.sizes) * await self._risk_factor(),
            self.desk.balance,
            self.desk.timer.now(),
            stop=style.stop * spread,
            target=style.target * spread,
        )
        asked.confidence = exact(round(self.random.uniform(0.6, 0.9), 3))
        return asked

    async def _risk_factor(self) -> float:
        """Smaller positions in a drawdown, as the engine's dynamic risk manager does."""
        drawdown = self.desk.drawdown
        factor = next((factor for level, factor in RISK_STEPS if drawdown >= level), 1.0)
        if factor != 1.0:
            row = journal.risk_adjustment(self.desk.info, self.desk.timer.now(), factor, drawdown)
            await self.desk.store.add("risk_adjustments", row)
        return factor

    def _intent(self, until: datetime) -> Intent:
        return Intent(until, str(self.random.choice(REASONS)), self.random.random() < PART_CHANCE, trailed=False)

    async def _look_after(self, holding: Holding, price: Decimal) -> None:
        sign = 1 if holding.side == "LONG" else -1
        now = self.desk.timer.now()
        intent = self._intents.get(holding.id)
        if intent is None:
            # Found after a restart: what was planned for it died with the process before.
            intent = self._intents[holding.id] = self._intent(now + self._hours(float(self.random.uniform(1, 9))))
        half_way = (holding.entry_price + holding.target) / 2
        if (price - holding.stop) * sign <= 0:
            await self._leave(holding, holding.stop, "Stop loss")
        elif (price - holding.target) * sign >= 0:
            await self._leave(holding, price, "Take profit")
        elif now >= intent.until:
            await self._leave(holding, price, intent.reason)
        elif (price - half_way) * sign >= 0:
            await self._secure(holding, intent, price)

    async def _secure(self, holding: Holding, intent: Intent, price: Decimal) -> None:
        """The price is half-way to the target: sells a part, or moves the stop after it."""
        step = STEPS[holding.symbol]
        part = holding.quantity * PART // step * step
        if intent.takes_part and part and not holding.parts_taken:
            await self.desk.take_part(holding, self._got(price), part)
        elif not intent.trailed:
            intent.trailed = True
            stop = round(holding.entry_price + (price - holding.entry_price) * LOCKED_IN, 2)
            if (stop - holding.stop) * (1 if holding.side == "LONG" else -1) > 0:
                await self.desk.trail(holding, stop)

    async def _leave(self, holding: Holding, price: Decimal, reason: str) -> None:
        row = self._decision(holding.symbol, price, "exit", "closed_position", size=holding.size)
        await self.desk.leave(holding, self._got(price), reason, row)
        self._intents.pop(holding.id, None)

    async def _remark(self) -> None:
        kind, severity, component, text, code = REMARKS[self.random.integers(len(REMARKS))]
        text = text.format(symbol=self.random.choice(self.style.symbols), n=self.random.integers(12, 95))
        await self.desk.log(
            journal.event(self.desk.info, self.desk.timer.now(), kind, severity, component, text, code=code)
        )

    def _got(self, price: Decimal) -> Decimal:
        """The price that a market order gets."""
        return round(price * (1 + Decimal(str(round(self.random.normal(0, SLIPPAGE_SHARE), 6)))), 2)

    def _decision(
        self, symbol: str, price: Decimal, signal: str = "entry", action: str = "no_action", confidence: float = 0.5,
        size: Decimal | None = None,
    ) -> Row:  # fmt: skip
        closes, day = self.closes.get(symbol, ()), CANDLES_PER_DAY[self.style.timeframe]
        day_ago = closes[-day - 1] if len(closes) > day else None
        seen = indicators([*closes, float(price)], day_ago)
        return journal.execution(
            self.desk.info, self.desk.timer.now(), symbol, price, seen, signal=signal, action=action,
            confidence=confidence, size=size,
        )  # fmt: skip
