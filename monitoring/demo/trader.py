"""What the simulated engine decides: when to enter, how to look after a position, when to leave."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import numpy as np

from monitoring.demo import journal
from monitoring.demo.desk import Desk
from monitoring.demo.market import MINUTES_A_YEAR, SYMBOLS, VOLATILITIES, Market
from monitoring.demo.money import Excursion, Holding, exact, fee, open_holding
from monitoring.demo.past import PART, REASONS, whole_steps
from monitoring.demo.records import Row
from monitoring.demo.sessions import MAX_OPEN
from monitoring.demo.signals import indicators

HOLD_TICKS = (18, 45)
SIZES = (0.12, 0.26)
PART_CHANCE = 0.25
UNFILLED_CHANCE = 0.05
USUAL_SKILL = 0.67
"""A little more than what pays for the fees."""
STEERING = 8.0
"""How much the skill answers to a profit or loss since the start, so that a demo neither soars nor dies."""
LOCKED_IN = Decimal("0.4")
"""Of the gain so far, by a trailing stop."""
CLOSES = 60

PRICE_A_DAY_AGO = """
SELECT price::float8 FROM strategy_executions
WHERE session_id = $1 AND symbol = $2 AND timestamp <= $3 ORDER BY id DESC LIMIT 1
"""


@dataclass(slots=True)
class Intent:
    """What is planned for a position."""

    ticks: int
    reason: str
    takes_part: bool
    trailed: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """An entry order that the exchange has not answered yet."""

    order_id: int
    holding: Holding
    ticks: int


class Trader:
    """Trades at one desk on one market."""

    def __init__(self, desk: Desk, market: Market, generator: np.random.Generator) -> None:
        self._desk = desk
        self._market = market
        self._random = generator
        self._intents: dict[int, Intent] = {}
        self._submitted: Submitted | None = None
        self._realized_before = desk.realized
        self._looks = 0

    @property
    def prices(self) -> dict[str, Decimal]:
        return {symbol: self._market.price(symbol) for symbol in self._desk.info.symbols}

    async def tick(self) -> None:
        """The market moves, orders are filled, positions are priced, and some end."""
        self._market.tick()
        prices = self.prices
        await self._fill(prices)
        if self._desk.holdings:
            await self._desk.mark(prices)
        for holding in tuple(self._desk.holdings):
            await self._look_after(holding, prices[holding.symbol])

    async def snapshot(self) -> None:
        await self._desk.snapshot(self.prices)

    async def enter(self) -> None:
        """Sends an entry order, unless enough is open or the operator has halted trading."""
        if self._submitted or len(self._desk.holdings) >= MAX_OPEN or await self._desk.halted():
            return
        symbol = str(self._random.choice(self._desk.info.symbols))
        ticks = int(self._random.integers(*HOLD_TICKS))
        price = self._market.price(symbol)
        rises = self._market.foresee(symbol, ticks) > float(price)
        foreseen = self._random.random() < self._skill()
        spread = float(VOLATILITIES[SYMBOLS.index(symbol)]) * (ticks * self._market.minutes / MINUTES_A_YEAR) ** 0.5
        holding = open_holding(
            symbol,
            "LONG" if rises == foreseen else "SHORT",
            price,
            self._random.uniform(*SIZES),
            self._desk.balance,
            self._desk.clock(),
            stop=1.6 * spread,
            target=2.2 * spread,
        )
        holding.confidence = exact(round(self._random.uniform(0.55, 0.92), 3))
        self._submitted = Submitted(await self._desk.submit(holding), holding, ticks)

    async def look(self) -> None:
        """The strategy looks at the next symbol and does nothing."""
        symbols = self._desk.info.symbols
        self._looks += 1
        await self._desk.add("strategy_executions", await self._decision(symbols[self._looks % len(symbols)]))

    def _skill(self) -> float:
        gained = float((self._desk.realized - self._realized_before) / self._desk.balance)
        return float(np.clip(USUAL_SKILL - STEERING * gained, 0.45, 0.85))

    async def _fill(self, prices: Mapping[str, Decimal]) -> None:
        submitted, self._submitted = self._submitted, None
        if submitted is None:
            return
        if self._random.random() < UNFILLED_CHANCE:
            await self._desk.cancel(submitted.order_id)
            return
        asked, at = submitted.holding, self._desk.clock()
        price = prices[asked.symbol]
        holding = replace(
            asked,
            entry_price=price,
            size=exact(asked.quantity * price / self._desk.balance),
            balance=self._desk.balance,
            opened=at,
            excursion=Excursion(price, at, price, at),
            fees=fee(price, asked.quantity),
        )
        side = holding.side.lower()
        decision = await self._decision(
            holding.symbol, "entry", f"opened_{side}", float(holding.confidence), holding.size
        )
        await self._desk.open(holding, submitted.order_id, decision)
        self._intents[holding.id] = self._intent(submitted.ticks)

    def _intent(self, ticks: int) -> Intent:
        return Intent(ticks, str(self._random.choice(REASONS)), self._random.random() < PART_CHANCE)

    async def _look_after(self, holding: Holding, price: Decimal) -> None:
        sign = 1 if holding.side == "LONG" else -1
        intent = self._intents.get(holding.id)
        if intent is None:
            intent = self._intents[holding.id] = self._intent(int(self._random.integers(10, 60)))
        intent.ticks -= 1
        half_way = (holding.entry_price + holding.target) / 2
        if (price - holding.stop) * sign <= 0:
            await self._leave(holding, price, "Stop loss")
        elif (price - holding.target) * sign >= 0:
            await self._leave(holding, price, "Take profit")
        elif intent.ticks <= 0:
            await self._leave(holding, price, intent.reason)
        elif (price - half_way) * sign >= 0:
            await self._secure(holding, intent, price)

    async def _secure(self, holding: Holding, intent: Intent, price: Decimal) -> None:
        """Half of the way is made: sells a part or lets the stop follow."""
        part = whole_steps(holding.quantity * PART, holding.symbol)
        if intent.takes_part and part and not holding.parts_taken:
            await self._desk.take_part(holding, price, part)
        elif not intent.trailed:
            intent.trailed = True
            holding.stop = round(holding.entry_price + (price - holding.entry_price) * LOCKED_IN, 2)
            await self._desk.trail(holding)

    async def _leave(self, holding: Holding, price: Decimal, reason: str) -> None:
        decision = await self._decision(holding.symbol, "exit", "closed_position", 0.5, holding.size)
        await self._desk.close(holding, price, reason, decision)
        self._intents.pop(holding.id, None)

    async def _decision(
        self, symbol: str, signal: str = "hold", action: str = "no_action", confidence: float = 0.5,
        size: Decimal | None = None,
    ) -> Row:  # fmt: skip
        desk, at = self._desk, self._desk.clock()
        day_ago = await desk.connection.fetchval(PRICE_A_DAY_AGO, desk.info.id, symbol, at - timedelta(days=1))
        seen = indicators(self._market.recent(symbol, CLOSES), day_ago)
        price = self._market.price(symbol)
        return journal.execution(
            desk.info, at, symbol, price, seen, signal=signal, action=action, confidence=confidence, size=size
        )
