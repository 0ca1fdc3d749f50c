"""Scales and ticks: from values to positions, and which values and moments to label."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from monitoring.clock import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS

Floats = npt.NDArray[np.float64]

FLAT_SHARE = 1e-9
"""A range smaller than this part of its values is flat: floats have too few digits left to divide it."""
SMALLEST_LEVEL = 1e-290
"""Smaller numbers have no whole steps between them."""
STEPS = (1, 2, 2.5, 5, 10, 20)

EVEN_STEPS = (
    *(1, 5, 15, 30),
    *(minutes * MINUTE_SECONDS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR_SECONDS for hours in (1, 2, 3, 6, 12)),
    *(days * DAY_SECONDS for days in (1, 2, 7, 14)),
)
"""Seconds."""
MONTH_STEPS = (1, 2, 3, 6, *(12 * years for years in (1, 2, 5, 10, 20, 50, 100, 1000, 10_000)))
FIRST_MONDAY_SECONDS = 4 * DAY_SECONDS
"""1970 began on a Thursday; weeks are counted from a Monday."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The straight line that takes [low, high] to [start, end]; where low is high, all of it to the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.low == self.high:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def of(self, values: Floats) -> Floats:
        """The same for each; NaN stays NaN."""
        if self.low == self.high:
            return np.where(np.isnan(values), np.nan, (self.start + self.end) / 2)
        return self.start + (values - self.low) / (self.high - self.low) * (self.end - self.start)


def inner_ticks(low: float, high: float, count: int) -> list[float]:
    """Round values at equal distances, ascending, at most ``count`` and one more, within [low, high]; low < high."""
    if high - low <= SMALLEST_LEVEL:
        return [0.0] if low <= 0 <= high else [low]
    step = _step((high - low) / count)
    return _multiples(step, math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9))


def _step(rough: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten, at least ``rough``."""
    exponent = math.floor(math.log10(rough))
    return next(factor * 10.0**exponent for factor in STEPS if factor * 10.0**exponent >= rough * 0.999999)


def _multiples(step: float, first: int, last: int) -> list[float]:
    # Two digits more than the step has, whatever its magnitude: prices of 1e-9 exist.
    digits = 2 - math.floor(math.log10(step))
    return [round(position * step, digits) + 0.0 for position in range(first, last + 1)]


def time_ticks(start: float, end: float, max_count: int = 5) -> list[float]:
    """At most ``max_count`` moments within [start, end] at round UTC times, from minutes to years.

    Seconds since 1970, ascending; none for an empty span. Raises ValueError outside the years 1 to 9999.
    """
    if not end > start:
        return []
    shortest = 0 if end - start <= DAY_SECONDS else DAY_SECONDS if end - start > 2 * DAY_SECONDS else 12 * HOUR_SECONDS
    for step in EVEN_STEPS:
        # Labels of more than a day that were nearer to each other would repeat themselves.
        if step < shortest or (end - start) / step > max_count + 1:
            continue
        origin = FIRST_MONDAY_SECONDS if step >= 7 * DAY_SECONDS else 0
        found = [origin + n * step for n in range(math.ceil((start - origin) / step), _last(end, origin, step) + 1)]
        if len(found) <= max_count:
            return [float(at) for at in found]
    for months in MONTH_STEPS:
        starts = list(_month_starts(start, end, months))
        if len(starts) <= max_count:
            return starts
    return []


def _last(end: float, origin: int, step: int) -> int:
    return math.floor((end - origin) / step)


def _month_starts(start: float, end: float, step: int) -> Iterator[float]:
    first = datetime.fromtimestamp(start, UTC)
    month = (first.year * 12 + first.month - 1) // step * step
    while 12 <= month < 120_000:
        at = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()
        if at > end:
            return
        if at >= start:
            yield at
        month += step
