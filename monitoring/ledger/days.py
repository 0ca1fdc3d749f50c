"""One UTC day of account history: its close, its extremes, its deepest decline, and a coarse curve of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from monitoring.ledger.factors import FlowFactors, Held
from monitoring.ledger.snapshots import Snapshots
from monitoring.ledger.times import epoch, from_epoch, midnight
from monitoring.metrics.drawdown import DrawdownRun, merge
from monitoring.metrics.facts import Series

DayDate = date
BUCKET = 600.0
"""Seconds of one step of the curve."""
BUCKETS = int(86400 / BUCKET)

COLUMNS = 9
LOW, HIGH, CLOSE, TIME, BALANCE, INDEX, INDEX_LOW, INDEX_HIGH, DROP = range(COLUMNS)
"""Columns of the curve: extremes and last of the equity, when that was, balance; last and extremes of the unit price,
and its deepest decline from the highest of the day until then, as a fraction."""

Positions = npt.NDArray[np.intp]


def empty_curve() -> Series:
    return np.full((BUCKETS, COLUMNS), np.nan)


@dataclass(slots=True)
class Day:
    """``curve`` has shape (BUCKETS, COLUMNS), NaN where nothing was written."""

    date: date
    last: tuple[float, int]
    """Time and id of the newest row of any kind."""
    last_real_id: int | None = None
    close: Held | None = None
    """The newest real snapshot."""
    index: float | None = None
    """Its equity in unit prices: deposits and withdrawals taken out."""
    run: DrawdownRun | None = None
    """The day's unit prices, as far as declines go."""
    curve: Series = field(default_factory=empty_curve)

    @classmethod
    def of(cls, day: DayDate, rows: Snapshots, factors: FlowFactors) -> "Day":
        made = cls(day, last=rows.first)
        made.append(rows, factors)
        return made

    def reopened(self) -> "Day":
        """A copy that takes rows, though the empty steps of this one may have been left out."""
        curve = empty_curve()
        steps = self.curve[np.isfinite(self.curve[:, TIME])]
        curve[self._buckets(steps[:, TIME])] = steps
        return replace(self, curve=curve)

    def append(self, rows: Snapshots, factors: FlowFactors) -> None:
        """Takes rows of this day that are newer than all it has, in order of time."""
        self.last = rows.last
        buckets = self._buckets(rows.times)
        known = np.isfinite(rows.balance)
        self._fill(BALANCE, buckets[known], rows.balance[known])
        real = np.isfinite(rows.equity)
        if real.any():
            self._real(rows.where(real), buckets[real], factors)

    def _buckets(self, times: Series) -> Positions:
        return ((times - epoch(midnight(self.date))) // BUCKET).astype(np.intp)

    def _real(self, rows: Snapshots, buckets: Positions, factors: FlowFactors) -> None:
        index = factors.unit_price(rows.times, rows.equity)
        at, self.last_real_id = rows.last
        self.close = Held(at, float(rows.equity[-1]), float(rows.balance[-1]))
        self._combine(LOW, np.fmin, buckets, rows.equity)
        self._combine(HIGH, np.fmax, buckets, rows.equity)
        self._fill(CLOSE, buckets, rows.equity)
        self._fill(TIME, buckets, rows.times)
        priced = np.isfinite(index)
        if priced.any():
            self._priced(rows.times[priced], index[priced], buckets[priced])

    def _priced(self, times: Series, index: Series, buckets: Positions) -> None:
        above = np.maximum(index, 0.0)
        peaks = np.maximum.accumulate(np.append(self.run.high.value if self.run else 0.0, above))[1:]
        kept = np.divide(above, peaks, out=np.ones_like(above), where=peaks > 0)
        self._combine(INDEX_LOW, np.fmin, buckets, index)
        self._combine(INDEX_HIGH, np.fmax, buckets, index)
        self._combine(DROP, np.fmax, buckets, 1.0 - kept)
        self._fill(INDEX, buckets, index)
        self.run = merge(self.run, DrawdownRun.of(times, index))
        self.index = float(index[-1])

    def _combine(self, column: int, extreme: np.ufunc, buckets: Positions, values: Series) -> None:
        starts = _starts(buckets)
        steps = self.curve[buckets[starts], column]
        self.curve[buckets[starts], column] = extreme(steps, extreme.reduceat(values, starts))

    def _fill(self, column: int, buckets: Positions, values: Series) -> None:
        last = np.flatnonzero(np.diff(buckets, append=-1))
        self.curve[buckets[last], column] = values[last]


def _starts(buckets: Positions) -> Positions:
    """Positions of the first entry of each run of equal (sorted) bucket numbers."""
    return np.flatnonzero(np.diff(buckets, prepend=-1))


def by_day(rows: Snapshots) -> Iterator[tuple[date, Snapshots]]:
    """Rows in order of time, cut at midnight UTC."""
    if not len(rows):
        return
    edges = [0, *(np.flatnonzero(np.diff(rows.times // 86400)) + 1), len(rows)]
    for start, stop in pairwise(edges):
        yield from_epoch(rows.times[start]).date(), rows.where(slice(int(start), int(stop)))
