"""Which of the pending flows a snapshot shows; arithmetic alone. Amounts are floats: negative ones take away."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from monitoring.metrics.facts import Series

EARLY_SECONDS = 3600.0
"""So long before it was booked a snapshot may show a flow."""
MONEY_DIGITS = 8
CLOSE_AMOUNT_DIGITS = 2
CLOSE_BALANCE_SHARE = 1e-6
"""A flow that shows before it was booked must be met to a cent, or to this share of the balance."""


def jumps(balances: Series, before: float, results_in: Series) -> Series:
    """What each balance differs by from the expected one: that before and the results in between, shape (rows,)."""
    found: Series = np.round(np.diff(balances, prepend=before) - results_in, MONEY_DIGITS)
    return found


def binned(times: Series, moments: Series, amounts: Series) -> Series:
    """The sum of the amounts after one of ``times`` and up to the next, by place of the latter; shape (times,)."""
    places = np.searchsorted(times, moments, side="left")
    inside = places < len(times)
    found: Series = np.bincount(places[inside], weights=amounts[inside], minlength=len(times)).astype(np.float64)
    return found


def shown_count(jump: float, pending: Sequence[float]) -> int:
    """How many of the flows, in order of time, a balance shows that differs from the expected one by ``jump``.

    The shortest beginning whose sum comes nearest; half-way is not yet.
    """
    sums = list(accumulate(pending, initial=0.0))
    return min(range(len(sums)), key=lambda count: round(abs(jump - sums[count]), MONEY_DIGITS))


def early_flow(jump: float, balance: float, ahead: Sequence[float]) -> int | None:
    """The first of the flows booked soon that is all of the jump; None where none is."""
    tolerance = _tolerance(balance)
    return next((place for place, amount in enumerate(ahead) if abs(jump - amount) <= tolerance), None)


def least_jump(pending: Sequence[float], ahead: Sequence[float], balance: float) -> float:
    """A smaller jump shows none of them."""
    sums = [abs(total) / 2 for total in accumulate(pending)]
    tolerance = _tolerance(balance)
    return min([*sums, *(abs(amount) - tolerance for amount in ahead)], default=np.inf)


def _tolerance(balance: float) -> float:
    return max(10.0**-CLOSE_AMOUNT_DIGITS, CLOSE_BALANCE_SHARE * abs(balance))
