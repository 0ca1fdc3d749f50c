"""The made-up market: correlated prices by the minute, for the past at once and for the present tick by tick."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

Prices = npt.NDArray[np.float64]
MINUTES_A_YEAR = 365 * 24 * 60
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Instrument:
    """Something traded, with the steps its quantity comes in."""

    symbol: str
    price: float
    volatility: float
    """A year's, as a fraction."""
    step: Decimal


INSTRUMENTS = (
    Instrument("BTCUSD", 96_400.0, 0.48, Decimal("0.00001")),
    Instrument("ETHUSD", 3_380.0, 0.62, Decimal("0.0001")),
    Instrument("SOLUSD", 187.0, 0.80, Decimal("0.001")),
)
SYMBOLS = tuple(instrument.symbol for instrument in INSTRUMENTS)
STEPS = {instrument.symbol: instrument.step for instrument in INSTRUMENTS}
VOLATILITIES = np.array([instrument.volatility for instrument in INSTRUMENTS])

COMMON = 0.75
"""How much of each instrument's moves all share."""
CALM_MINUTES = 2_880
"""Volatility comes in waves of about this length."""


def log_returns(generator: np.random.Generator, steps: int, minutes_a_step: float) -> Prices:
    """Correlated moves with volatility in waves, shape (steps, instruments)."""
    shared = generator.standard_normal((steps, 1))
    own = generator.standard_normal((steps, len(INSTRUMENTS)))
    moves = np.sqrt(COMMON) * shared + np.sqrt(1 - COMMON) * own
    turns = np.arange(steps) * minutes_a_step / CALM_MINUTES * 2 * np.pi
    waves = 1 + 0.35 * np.sin(turns + generator.uniform(0, 2 * np.pi))
    scale = VOLATILITIES * np.sqrt(minutes_a_step / MINUTES_A_YEAR)
    result: Prices = moves * waves[:, None] * scale
    return result


def past(generator: np.random.Generator, minutes: int) -> Prices:
    """Prices of every minute, ending at the instruments' own, shape (minutes, instruments)."""
    path = np.cumsum(log_returns(generator, minutes, 1.0), axis=0)
    prices: Prices = np.array([i.price for i in INSTRUMENTS]) * np.exp(path - path[-1])
    return prices.round(2)


class Market:
    """The present: ``tick`` moves every price, ``foresee`` knows what has been decided for the next ticks."""

    BLOCK = 2_048
    PULL = 0.0005
    """How strongly prices return to where they began, so that a demo may run for days."""

    def __init__(self, start: Mapping[str, float], generator: np.random.Generator, minutes_a_tick: float = 0.5) -> None:
        self._generator = generator
        self.minutes = minutes_a_tick
        self._anchor = np.log([start.get(i.symbol, i.price) for i in INSTRUMENTS])
        self._path = self._anchor[None, :]
        self._at = 0

    def tick(self) -> None:
        self._at += 1
        self._reach(self._at)

    def price(self, symbol: str) -> Decimal:
        return Decimal(str(self._value(symbol, self._at))).quantize(CENT)

    def foresee(self, symbol: str, ticks: int) -> float:
        """The price ``ticks`` from now."""
        self._reach(self._at + ticks)
        return self._value(symbol, self._at + ticks)

    def recent(self, symbol: str, ticks: int) -> Prices:
        """The last prices up to now, oldest first, as many as there are."""
        column = self._path[max(0, self._at - ticks + 1) : self._at + 1, SYMBOLS.index(symbol)]
        values: Prices = np.exp(column)
        return values

    def _value(self, symbol: str, at: int) -> float:
        return float(np.exp(self._path[at, SYMBOLS.index(symbol)]))

    def _reach(self, at: int) -> None:
        while at >= len(self._path):
            moves = log_returns(self._generator, self.BLOCK, self.minutes)
            block = np.empty_like(moves)
            last = self._path[-1]
            for number, move in enumerate(moves):
                last = last + move + self.PULL * (self._anchor - last)
                block[number] = last
            # What lies further back than a block is forgotten.
            forgotten = max(0, self._at - self.BLOCK)
            self._path = np.concatenate((self._path[forgotten:], block))
            self._at -= forgotten
            at -= forgotten
