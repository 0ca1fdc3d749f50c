"""The equity of one scope as one curve: days of its sessions one behind the other, deposits and withdrawals taken out.

A part is a day of a session, or a piece of it, with the one factor that is in force all through it. Whole days but the
newest are put together once, so that a new row costs no more than the newest day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import reduce
from itertools import accumulate, pairwise

import numpy as np

from monitoring.metrics.drawdown import DrawdownRun, RunningDrawdown, scaled
from monitoring.metrics.facts import Daily, Series
from monitoring.projections import days as raw
from monitoring.projections.days import Day, EquityPoint

COLUMNS = 9
LOW, HIGH, CLOSE, TIME, BALANCE, DROP, INDEX, INDEX_LOW, INDEX_HIGH = range(COLUMNS)
"""Columns of the curve: those of ``days``, then last and extremes of the unit price (see ``factors``)."""


DEPTH_COLUMNS = 2
DEEPEST, AT_CLOSE = range(DEPTH_COLUMNS)
"""Percent below the running peak, at the deepest within each step and at its close; flows taken out."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one day between which the factor between equity and unit price does not change. 0: nothing is there."""

    day: Day
    factor: float
    held_price: float = np.nan
    """Of a unit while the factor is 0."""

    @property
    def date(self) -> date:
        return self.day.date

    def write(self, steps: Series) -> None:
        """Puts its steps into ``steps``, shape (steps, COLUMNS)."""
        found = self.day.steps
        steps[:, : raw.COLUMNS] = found
        if self.factor > 0:
            steps[:, raw.COLUMNS :] = found[:, [raw.CLOSE, raw.LOW, raw.HIGH]] / self.factor
        else:
            steps[:, [INDEX, INDEX_LOW, INDEX_HIGH]] = self.held_price if self.factor == 0 else np.nan
            steps[:, DROP] = np.nan

    @property
    def price(self) -> float | None:
        """The unit price at the close; NaN where it is not known."""
        close = self.day.close
        if close is None:
            return None
        return close.equity / self.factor if self.factor > 0 else self.held_price if self.factor == 0 else np.nan


@dataclass(frozen=True, slots=True)
class Timeline:
    """Consecutive parts, oldest first."""

    steps: tuple[Series, ...]
    """Blocks of the parts' steps, oldest first, each of shape (..., COLUMNS) ..."""
    depth: tuple[Series, ...]
    """... and of (..., DEPTH_COLUMNS)."""
    daily: Daily | None
    drawdown: RunningDrawdown
    base: float | None
    """The balance before the first part."""
    last_id: int | None = None
    """Of the newest row of any kind."""
    last_snapshot: EquityPoint | None = None
    last_snapshot_id: int | None = None

    @classmethod
    def of(cls, parts: Sequence[Part], initial: float | None) -> "Timeline":
        """``initial`` is the balance before the first part: the first peak."""
        return cls((), (), None, RunningDrawdown.seeded(initial), initial).then(parts)

    def then(self, parts: Sequence[Part]) -> "Timeline":
        """With later parts behind it."""
        steps = _steps_of(parts)
        with_snapshot = [part.day for part in parts if part.day.close]
        return Timeline(
            (*self.steps, steps),
            (*self.depth, depth_of(steps, self.drawdown.peak)),
            _daily(self.daily, parts, self.base),
            reduce(_then, parts, self.drawdown),
            self.base,
            parts[-1].day.last[1] if parts else self.last_id,
            with_snapshot[-1].close if with_snapshot else self.last_snapshot,
            with_snapshot[-1].last_snapshot_id if with_snapshot else self.last_snapshot_id,
        )

    def steps_since(self, at: float) -> Series:
        """The steps that end at ``at`` (epoch seconds) or later, shape (steps, COLUMNS)."""
        return np.concatenate([steps[_place(steps, at) :] for steps in self.steps])

    def depth_since(self, at: float) -> Series:
        """The same of shape (steps, DEPTH_COLUMNS)."""
        blocks = zip(self.steps, self.depth, strict=True)
        return np.concatenate([depth[_place(steps, at) :] for steps, depth in blocks])

    def highs(self) -> tuple[Series, Series]:
        """When each step closed, and its highest unit price; shape (steps,) each."""
        times, highs = zip(*((steps[:, TIME], steps[:, INDEX_HIGH]) for steps in self.steps), strict=True)
        return np.concatenate(times), np.concatenate(highs)

    def step_before(self, at: float) -> Series | None:
        """The last step that ended before, shape (COLUMNS,)."""
        places = ((steps, _place(steps, at)) for steps in reversed(self.steps))
        return next((steps[place - 1].copy() for steps, place in places if place), None)


def _steps_of(parts: Sequence[Part]) -> Series:
    lengths = [len(part.day.steps) for part in parts]
    # By columns, since whatever is made of a curve takes one column at a time.
    steps = np.empty((sum(lengths), COLUMNS), order="F")
    for part, length, end in zip(parts, lengths, accumulate(lengths), strict=True):
        part.write(steps[end - length : end])
    return steps


def _place(steps: Series, at: float) -> int:
    return int(np.searchsorted(steps[:, TIME], at))


def _then(drawdown: RunningDrawdown, part: Part) -> RunningDrawdown:
    run = part.day.run
    if run is not None and part.factor > 0:
        return drawdown.then(scaled(run, 1 / part.factor))
    if run is not None and part.factor == 0 and (held := DrawdownRun.of([run.first_at], [part.held_price])):
        return drawdown.then(held)
    return drawdown if run is None or part.factor == 0 else replace(drawdown, broken=True)


def _daily(before: Daily | None, parts: Sequence[Part], base: float | None) -> Daily | None:
    """``before`` and the closes of later days, the days between carried forward; None where there is none."""
    closes = [part for part in parts if part.day.close is not None]
    last_of_day = list({part.date: part for part in closes}.values())
    if not last_of_day:
        return before
    start = before.index[-1] if before else np.nan
    prices = list(accumulate((part.price for part in closes), _carried, initial=start))[1:]
    price_of_day = {part.date: price for part, price in zip(closes, prices, strict=True)}
    found = [(part.date, part.day.close.equity, price_of_day[part.date]) for part in last_of_day if part.day.close]
    if before:
        found = [(before.dates[-1], before.equity[-1], before.index[-1]), *found]
    return _filled(before, found, base)


def _carried(before: float, price: float | None) -> float:
    return before if price is None else price


def _filled(before: Daily | None, closes: list[tuple[date, float, float]], base: float | None) -> Daily:
    """``before``, and ``closes`` (which begin with its last day, once or twice) with every day between two of them."""
    days = [close[0] for close in closes]
    lengths = [(later - earlier).days for earlier, later in pairwise(days)] + [1]
    first, count = days[0], sum(lengths)
    dates = tuple(first + timedelta(days=number) for number in range(count))
    equity = np.repeat([close[1] for close in closes], lengths).astype(float)
    index = np.repeat([close[2] for close in closes], lengths).astype(float)
    if before is None:
        return Daily(dates, equity, index, base)
    return Daily(
        (*before.dates[:-1], *dates),
        np.concatenate([before.equity[:-1], equity]),
        np.concatenate([before.index[:-1], index]),
        base,
    )


def depth_of(steps: Series, peak: float) -> Series:
    """Of steps that begin at midnight, where the peak of all before was ``peak`` (0: none); (steps, DEPTH_COLUMNS).

    Exact: the deepest of a step is either below the peak of all before, or a decline within its day, which was measured
    row by row.
    """
    if not len(steps):
        return np.empty((0, DEPTH_COLUMNS))
    peaks = np.fmax(np.fmax.accumulate(steps[:, INDEX_HIGH]), peak)
    before = np.append(peak, peaks[:-1])
    deepest = np.fmax(lost(steps[:, INDEX_LOW], before), steps[:, DROP])
    return np.array((deepest, lost(steps[:, INDEX], peaks))).T * 100


def lost(value: Series, peak: Series) -> Series:
    """The share of ``peak`` that is gone, more than 1 below zero; 0 where there is no peak yet."""
    kept = np.divide(value, peak, out=np.ones_like(value), where=peak > 0)
    return np.maximum(1.0 - kept, 0.0)
