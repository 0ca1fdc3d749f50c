"""The made-up market: correlated prices that move a step at a time, and a look at what they will do."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

Prices = npt.NDArray[np.float64]
SECONDS_PER_YEAR = 365 * 86_400
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Instrument:
    """Something traded, with the steps its quantity comes in."""

    symbol: str
    price: float
    """The price around which it moves."""
    volatility: float
    """The standard deviation of a year's logarithmic change."""
    step: Decimal


INSTRUMENTS = (
    Instrument("BTCUSD", 96_400.0, 0.48, Decimal("0.00001")),
    Instrument("ETHUSD", 3_380.0, 0.62, Decimal("0.0001")),
    Instrument("SOLUSD", 187.0, 0.80, Decimal("0.001")),
)
SYMBOLS = tuple(instrument.symbol for instrument in INSTRUMENTS)
STEPS = {instrument.symbol: instrument.step for instrument in INSTRUMENTS}
VOLATILITIES = np.array([instrument.volatility for instrument in INSTRUMENTS])
USUAL_PRICES = np.array([instrument.price for instrument in INSTRUMENTS])

COMMON_SHARE = 0.75
"""How much of an instrument's moves is common to all instruments."""
WAVE_SECONDS = 2 * 86_400
"""Volatility comes in waves of about this length."""
PULL_PER_DAY = 0.02
"""How strongly prices return to their usual ones, so that a demo may run for years."""


class Market:
    """``tick`` moves every price by ``step_seconds`` of market time; ``foresee`` looks ahead on the same path."""

    BLOCK = 2_048

    def __init__(self, start: Mapping[str, float], generator: np.random.Generator, step_seconds: float) -> None:
        self._generator = generator
        self._step = step_seconds
        self._path = np.log([[start.get(i.symbol, i.price) for i in INSTRUMENTS]])
        self._at = 0
        self._made = 0

    def tick(self) -> None:
        self._reach(1)
        self._at += 1

    def price(self, symbol: str) -> Decimal:
        return Decimal(str(self._value(symbol, self._at))).quantize(CENT)

    def foresee(self, symbol: str, hours: float) -> float:
        """The price in so many hours of market time."""
        steps = max(1, round(hours * 3600 / self._step))
        self._reach(steps)
        return self._value(symbol, self._at + steps)

    def spread(self, symbol: str, hours: float) -> float:
        """How far the price usually moves within so many hours, as a fraction of it."""
        return float(VOLATILITIES[SYMBOLS.index(symbol)] * np.sqrt(hours * 3600 / SECONDS_PER_YEAR))

    def _value(self, symbol: str, at: int) -> float:
        return float(np.exp(self._path[at, SYMBOLS.index(symbol)]))

    def _reach(self, steps: int) -> None:
        missing = self._at + steps + 1 - len(self._path)
        if missing > 0:
            self._path = np.concatenate((self._path[self._at :], self._block(max(self.BLOCK, missing))))
            self._at = 0

    def _block(self, steps: int) -> Prices:
        last = self._path[-1]
        pull = PULL_PER_DAY * self._step / 86_400 * (np.log(USUAL_PRICES) - last)
        path: Prices = last + np.cumsum(self._moves(steps) + pull, axis=0)
        return path

    def _moves(self, steps: int) -> Prices:
        """Logarithmic moves, of shape (steps, instruments)."""
        shared = self._generator.standard_normal((steps, 1))
        own = self._generator.standard_normal((steps, len(INSTRUMENTS)))
        moves = np.sqrt(COMMON_SHARE) * shared + np.sqrt(1 - COMMON_SHARE) * own
        turns = (self._made + np.arange(steps)) * self._step / WAVE_SECONDS * 2 * np.pi
        self._made += steps
        scale = VOLATILITIES * np.sqrt(self._step / SECONDS_PER_YEAR)
        result: Prices = moves * (1 + 0.35 * np.sin(turns))[:, None] * scale
        return result
