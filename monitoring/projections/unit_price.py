"""What takes deposits and withdrawals out of returns: the factor between equity and the price of one unit.

Over an interval in which flows show, the price grows by (equity after + withdrawn) / (equity before + deposited).
Equity divided by the factor is that price; its ratios are returns and its declines drawdowns. While everything is
withdrawn there are no units: the factor is 0, and the price stays. Where nothing grew, it is unknown from there on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from monitoring.metrics.facts import Series


class Showing(NamedTuple):
    """Flows that a snapshot is the first to hold."""

    at: float
    """Of the snapshot, epoch seconds."""
    before: float | None
    """The last equity before it, else the initial balance."""
    after: float
    """Its equity."""
    deposited: Decimal
    withdrawn: Decimal
    """Not negative, both of them."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowFactors:
    """The factor in force at any time: ``factors[i]`` from ``times[i]`` (epoch seconds) on, 1 before the first."""

    times: Series
    factors: Series
    prices: Series
    """Of a unit at each of the times."""
    amounts: tuple[Decimal, ...] = ()
    """Of the flows that show from each of the times on."""

    @classmethod
    def of(cls, showings: Iterable[Showing] = ()) -> "FlowFactors":
        """The factors of flows, in order of time."""
        ordered = tuple(showings)
        found = np.array(list(_chain(ordered)), dtype=np.float64).reshape(-1, 2)
        times = np.array([showing.at for showing in ordered], dtype=np.float64)
        amounts = tuple(showing.deposited - showing.withdrawn for showing in ordered)
        return cls(times, found[:, 0], found[:, 1], amounts)

    def at(self, times: Series) -> tuple[Series, Series]:
        """Factors for epoch seconds of any shape, and the price since when they are in force; the same shape."""
        places = np.searchsorted(self.times, times, side="right")
        factors, prices = np.concatenate(([1.0], self.factors)), np.concatenate(([np.nan], self.prices))
        return factors[places], prices[places]

    def change_within(self, first: float, last: float) -> bool:
        """Whether the factor changes after one moment and up to another, in epoch seconds."""
        return bool(np.any((self.times > first) & (self.times <= last)))

    def shown(self, after: float, until: float) -> Decimal:
        """Sum of the flows that began to show after one moment and up to another, in epoch seconds."""
        first, last = np.searchsorted(self.times, [after, until], side="right")
        return sum(self.amounts[first:last], Decimal(0))


def _chain(showings: Iterable[Showing]) -> Iterable[tuple[float, float]]:
    """Factor and price after each of them."""
    factor, price = 1.0, np.nan
    for showing in showings:
        if showing.before is not None:
            held = showing.before + float(showing.deposited)
            before = showing.before / factor if factor else price
            price = before * (showing.after + float(showing.withdrawn)) / held if held > 0 else np.nan
            factor = 0.0 if showing.after == 0 else showing.after / price if price else np.inf
        yield factor, price
