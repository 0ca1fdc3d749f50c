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

COLUMNS = 7
TIME, EQUITY, BALANCE, DROP, EXPOSURE, INDEX, DEPTH = range(COLUMNS)
"""Columns of the curve, a row a snapshot: those of ``days``, then the unit price (see ``unit_price``) and the percent
that it lies below the running peak, flows taken out."""


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

    def write(self, rows: Series) -> None:
        """Puts its curve into ``rows``, shape (rows, COLUMNS), but for the depth."""
        rows[:, : raw.COLUMNS] = self.day.curve
        if self.factor > 0:
            rows[:, INDEX] = rows[:, EQUITY] / self.factor
        else:
            rows[:, INDEX] = self.held_price if self.factor == 0 else np.nan
            rows[:, DROP] = np.nan

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

    blocks: tuple[Series, ...]
    """Of the parts' curves, oldest first, each of shape (rows, COLUMNS)."""
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
        return cls((), None, RunningDrawdown.seeded(initial), initial).then(parts)

    def then(self, parts: Sequence[Part]) -> "Timeline":
        """With later parts behind it."""
        with_snapshot = [part.day for part in parts if part.day.close]
        return Timeline(
            (*self.blocks, _curve_of(parts, self.drawdown.peak)),
            _daily(self.daily, parts, self.base),
            reduce(_then, parts, self.drawdown),
            self.base,
            parts[-1].day.last[1] if parts else self.last_id,
            with_snapshot[-1].close if with_snapshot else self.last_snapshot,
            with_snapshot[-1].last_snapshot_id if with_snapshot else self.last_snapshot_id,
        )

    def since(self, at: float) -> Series:
        """The rows at ``at`` (epoch seconds) or later, shape (rows, COLUMNS)."""
        return np.concatenate([block[_place(block, at) :] for block in self.blocks])

    def prices(self) -> tuple[Series, Series]:
        """Times and unit prices; shape (rows,) each."""
        times, prices = zip(*((block[:, TIME], block[:, INDEX]) for block in self.blocks), strict=True)
        return np.concatenate(times), np.concatenate(prices)

    def before(self, at: float) -> Series | None:
        """The last row before, shape (COLUMNS,)."""
        places = ((block, _place(block, at)) for block in reversed(self.blocks))
        return next((block[place - 1].copy() for block, place in places if place), None)


def _curve_of(parts: Sequence[Part], peak: float) -> Series:
    lengths = [len(part.day.curve) for part in parts]
    # By columns, since whatever is made of a curve takes one column at a time.
    rows = np.empty((sum(lengths), COLUMNS), order="F")
    for part, length, end in zip(parts, lengths, accumulate(lengths), strict=True):
        part.write(rows[end - length : end])
    rows[:, DEPTH] = depth_of(rows, peak)
    return rows


def _place(block: Series, at: float) -> int:
    return int(np.searchsorted(block[:, TIME], at))


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


def depth_of(rows: Series, peak: float) -> Series:
    """Percent below the running peak, of rows before which that was ``peak`` (0: none); shape (rows,).

    Exact, though not every snapshot is kept: a decline within a day was measured row by row.
    """
    peaks = np.fmax(np.fmax.accumulate(rows[:, INDEX]), peak)
    return np.fmax(lost(rows[:, INDEX], peaks), rows[:, DROP]) * 100


def lost(value: Series, peak: Series) -> Series:
    """The share of ``peak`` that is gone, more than 1 below zero; 0 where there is no peak yet."""
    kept = np.divide(value, peak, out=np.ones_like(value), where=peak > 0)
    return np.maximum(1.0 - kept, 0.0)
