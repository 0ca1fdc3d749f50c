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
import numpy.typing as npt

from monitoring.metrics.facts import Series

Ids = npt.NDArray[np.int64]


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
    id: int = 0
    """Of the snapshot: another one of the same instant may come before it."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowFactors:
    """The factor in force at any time: ``factors[i]`` from ``times[i]`` (epoch seconds) on, 1 before the first."""

    times: Series
    factors: Series
    prices: Series
    """Of a unit at each of the times."""
    amounts: tuple[Decimal, ...] = ()
    """Of the flows that show from each of the times on."""
    ids: tuple[int, ...] = ()
    """Of the snapshots that are the first to show them."""

    @classmethod
    def of(cls, showings: Iterable[Showing] = ()) -> "FlowFactors":
        """The factors of flows, in order of time."""
        ordered = tuple(showings)
        found = np.array(list(_chain(ordered)), dtype=np.float64).reshape(-1, 2)
        times = np.array([showing.at for showing in ordered], dtype=np.float64)
        amounts = tuple(showing.deposited - showing.withdrawn for showing in ordered)
        return cls(times, found[:, 0], found[:, 1], amounts, tuple(showing.id for showing in ordered))

    def counts(self, times: Series, ids: Ids | None = None) -> Ids:
        """How many flows show at snapshots of these times and ids, shape (rows,); None: the last of their times."""
        found = np.searchsorted(self.times, times, side="right")
        if ids is not None:
            before = np.searchsorted(self.times, times, side="left")
            for place in np.flatnonzero(found > before).tolist():
                shown = self.ids[before[place] : found[place]]
                found[place] = before[place] + sum(number <= ids[place] for number in shown)
        return found

    def at(self, times: Series, ids: Ids | None = None) -> tuple[Series, Series]:
        """The factors of snapshots, and the price since when they are in force; see ``counts``."""
        places = self.counts(times, ids)
        factors, prices = np.concatenate(([1.0], self.factors)), np.concatenate(([np.nan], self.prices))
        return factors[places], prices[places]

    def change_within(self, first: tuple[float, int], last: tuple[float, int]) -> bool:
        """Whether the factor changes behind one snapshot and up to another, by their times and ids."""
        times, ids = zip(first, last, strict=True)
        before, after = self.counts(np.array(times), np.array(ids)).tolist()
        return bool(before != after)

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
