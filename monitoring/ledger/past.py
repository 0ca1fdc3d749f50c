"""Whole days put together once, so that a new row costs no more than the newest day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from itertools import accumulate, pairwise

import numpy as np

from monitoring.ledger.days import BUCKETS, COLUMNS, TIME, Day
from monitoring.ledger.depth import DEPTHS, depth_of
from monitoring.metrics.drawdown import RunningDrawdown
from monitoring.metrics.facts import Daily, Series


@dataclass(frozen=True, slots=True)
class Past:
    """Consecutive days, oldest first."""

    steps: Series
    """Those of the days' curves that hold anything, (``length`` and a day's, COLUMNS)."""
    depth: Series
    """The same of (..., DEPTHS), deposits and withdrawals taken out."""
    length: int
    daily: Daily | None
    drawdown: RunningDrawdown

    @classmethod
    def of(cls, days: Sequence[Day], initial: float | None) -> "Past":
        """``initial`` is the balance before the first day: the first peak. The days then share the memory of steps."""
        counts = [int(np.isfinite(day.curve[:, TIME]).sum()) for day in days]
        # By columns, since whatever is made of a curve takes one column at a time; with room for one more day.
        steps = np.empty((sum(counts) + BUCKETS, COLUMNS), order="F")
        for day, (start, stop) in zip(days, pairwise(accumulate(counts, initial=0)), strict=True):
            steps[start:stop] = steps_of(day)
            day.curve = steps[start:stop]
        depth = np.empty((len(steps), DEPTHS), order="F")
        seeded = RunningDrawdown.seeded(initial)
        depth[: sum(counts)] = depth_of(steps[: sum(counts)], seeded.peak)
        return cls(steps, depth, sum(counts), _closes(days), reduce(with_day, days, seeded))

    def curve_with(self, day: Day) -> tuple[Series, Series]:
        """Steps and depth with those of a later day behind them, in the room that is left: until the next call."""
        latest = steps_of(day)
        end = self.length + len(latest)
        self.steps[self.length : end] = latest
        self.depth[self.length : end] = depth_of(latest, self.drawdown.peak)
        return self.steps[:end], self.depth[:end]


def steps_of(day: Day) -> Series:
    """The steps of the day's curve that hold anything."""
    return day.curve[np.isfinite(day.curve[:, TIME])]


def with_day(drawdown: RunningDrawdown, day: Day) -> RunningDrawdown:
    return drawdown.then(day.run) if day.run else drawdown


def with_close(daily: Daily | None, day: Day) -> Daily | None:
    """``daily`` and the close of a later day, the days between carried forward."""
    if day.close is None:
        return daily
    if daily is None:
        return _closes([day])
    last = daily.dates[-1]
    days = (day.date - last).days
    between = days - 1
    return Daily(
        dates=(*daily.dates, *(last + timedelta(days=number) for number in range(1, days + 1))),
        equity=np.concatenate([daily.equity, np.repeat(daily.equity[-1], between), [day.close.equity]]),
        index=np.concatenate([daily.index, np.repeat(daily.index[-1], between), [_price(day, daily.index[-1])]]),
    )


def _closes(days: Sequence[Day]) -> Daily | None:
    """One close a day from the first to the last, missing days carried forward; None where there is none."""
    known = [day for day in days if day.close is not None]
    if not known:
        return None
    first, count = known[0].date, (known[-1].date - known[0].date).days + 1
    at = np.array([(day.date - first).days for day in known])
    steps = np.diff(np.append(at, count))
    prices = list(accumulate(known, lambda price, day: _price(day, price), initial=np.nan))[1:]
    return Daily(
        dates=tuple(first + timedelta(days=number) for number in range(count)),
        equity=np.repeat([day.close.equity for day in known if day.close], steps).astype(float),
        index=np.repeat(prices, steps).astype(float),
    )


def _price(day: Day, before: float) -> float:
    """The unit price at the day's close; ``before`` it where everything was withdrawn."""
    return before if day.index is None else day.index
