"""What takes deposits and withdrawals out of returns: the factor between equity and the price of one unit.

As in a fund: whoever pays F into an account that holds E buys units at their present price, so the number of units
grows to (E + F) / E of what it was, and the price stays. Equity divided by the factor is that price; its ratios are
returns and its declines drawdowns. While everything is withdrawn there are no units: their price is unknown then, and
the next deposit buys at the last one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from monitoring.metrics.facts import Flow, Series
from monitoring.projections.days import EquityPoint

MONEY_DIGITS = 8


class Effect(NamedTuple):
    """A flow, from when on (epoch seconds) snapshots show it, and the last snapshot before, if there is one."""

    flow: Flow
    since: float
    before: EquityPoint | None


@dataclass(frozen=True, slots=True, eq=False)
class FlowFactors:
    """The factor in force at any time: ``factors[i]`` from ``times[i]`` (epoch seconds) on, 1 before the first."""

    times: Series
    factors: Series
    amounts: tuple[Decimal, ...] = ()
    """Of the flows that show from each of the times on."""
    waiting: bool = False
    """Whether a flow is known that no snapshot shows yet."""

    @classmethod
    def none(cls) -> "FlowFactors":
        return cls(np.empty(0), np.empty(0))

    @classmethod
    def of(cls, effects: Iterable[Effect], initial: float | None, waiting: bool) -> "FlowFactors":
        """The factors of flows; ``initial`` is the balance before the first snapshot."""
        ordered = sorted(effects, key=lambda effect: (effect.since, effect.flow.at))
        return cls(
            np.array([effect.since for effect in ordered]),
            np.array(list(_chain(ordered, initial))),
            tuple(effect.flow.amount for effect in ordered),
            waiting,
        )

    def same(self, other: "FlowFactors") -> bool:
        """Whether both say the same of every moment."""
        same_steps = np.array_equal(self.times, other.times) and np.array_equal(self.factors, other.factors)
        return same_steps and (self.amounts, self.waiting) == (other.amounts, other.waiting)

    def at(self, times: Series) -> Series:
        """Factors for epoch seconds of any shape, the same shape."""
        steps = np.concatenate(([1.0], self.factors))
        found: Series = steps[np.searchsorted(self.times, times, side="right")]
        return found

    def change_within(self, first: float, last: float) -> bool:
        """Whether the factor changes after one moment and up to another, in epoch seconds."""
        return bool(np.any((self.times > first) & (self.times <= last)))

    def shown(self, after: float, until: float) -> Decimal:
        """Sum of the flows that began to show after one moment and up to another, in epoch seconds."""
        first, last = np.searchsorted(self.times, [after, until], side="right")
        return sum(self.amounts[first:last], Decimal(0))


def _chain(effects: Iterable[Effect], initial: float | None) -> Iterable[float]:
    """The factor after each effect."""
    factor, price = 1.0, None
    since, held = -np.inf, initial
    for flow, _, before in effects:
        if before is not None and before.at > since:
            since, held = before.at, before.equity
        if held is not None:
            if held > 0 and factor > 0:
                price = held / factor
            held = 0.0 if flow.leaves == 0 else round(held + float(flow.amount), MONEY_DIGITS)
            if price is not None:
                factor = max(held, 0.0) / price
        yield factor
