"""One UTC day of account history: its close, its extremes, its deepest decline, and a coarse curve of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from monitoring.ledger.flows import FlowFactors, epoch, from_epoch
from monitoring.ledger.snapshots import Snapshots
from monitoring.metrics.drawdown import DrawdownRun, merge
from monitoring.metrics.facts import Series

DayDate = date
Positions = npt.NDArray[np.intp]

ROUNDING = 1e-12
"""Declines of a smaller share are the arithmetic's, not the account's."""
BUCKET = 600.0
"""Seconds of one step of the curve."""
BUCKETS = int(86400 / BUCKET)

COLUMNS = 9
LOW, HIGH, CLOSE, TIME, BALANCE, INDEX, INDEX_LOW, INDEX_HIGH, DROP = range(COLUMNS)
"""Columns of the curve: extremes and last of the equity, when that was, balance; last and extremes of the unit price,
and its deepest decline within the step, as a fraction."""


def empty_curve() -> Series:
    return np.full((BUCKETS, COLUMNS), np.nan)


@dataclass(slots=True)
class Day:
    """``curve`` has shape (BUCKETS, COLUMNS), NaN where nothing was written."""

    date: date
    last: tuple[float, int]
    """Time and id of the newest row of any kind."""
    last_real_id: int | None = None
    equity: float | None = None
    """Of the newest real snapshot."""
    index: float | None = None
    """The same in unit prices: deposits and withdrawals taken out."""
    run: DrawdownRun | None = None
    """The day's unit prices, as far as declines go."""
    curve: Series = field(default_factory=empty_curve)

    @classmethod
    def of(cls, day: DayDate, rows: Snapshots, factors: FlowFactors) -> "Day":
        made = cls(day, last=rows.first)
        made.append(rows, factors)
        return made

    @property
    def start(self) -> float:
        return epoch(datetime.combine(self.date, datetime.min.time()))

    def append(self, rows: Snapshots, factors: FlowFactors) -> None:
        """Takes rows of this day that are newer than all it has, in order of time."""
        self.last = (float(rows.times[-1]), int(rows.ids[-1]))
        buckets = ((rows.times - self.start) // BUCKET).astype(np.intp)
        self._balance(rows, buckets)
        real = np.isfinite(rows.equity)
        if not real.any():
            return
        times, equity, buckets = rows.times[real], rows.equity[real], buckets[real]
        index = equity / factors.at(times)
        self.run = merge(self.run, DrawdownRun.of(times, index))
        self.last_real_id = int(rows.ids[real][-1])
        self.equity, self.index = float(equity[-1]), float(index[-1])
        np.fmin.at(self.curve[:, LOW], buckets, equity)
        np.fmax.at(self.curve[:, HIGH], buckets, equity)
        self._declines(index, buckets)
        np.fmin.at(self.curve[:, INDEX_LOW], buckets, index)
        np.fmax.at(self.curve[:, INDEX_HIGH], buckets, index)
        last = _last_of_each(buckets)
        self.curve[buckets[last], CLOSE] = equity[last]
        self.curve[buckets[last], TIME] = times[last]
        self.curve[buckets[last], INDEX] = index[last]

    def _declines(self, index: Series, buckets: Positions) -> None:
        """Takes the deepest decline within each step, that from an earlier part of the same step included."""
        # Steps are told apart by an offset greater than any value, so that one pass finds the peak within each.
        offset = buckets * (2.0 * float(index.max()) + 1.0)
        peaks = np.maximum.accumulate(index + offset) - offset
        peaks = np.fmax(peaks, np.where(buckets == buckets[0], self.curve[buckets[0], INDEX_HIGH], np.nan))
        lost = 1.0 - np.divide(np.maximum(index, 0.0), peaks, out=np.ones_like(index), where=peaks > 0)
        np.fmax.at(self.curve[:, DROP], buckets, np.where(lost > ROUNDING, lost, 0.0))

    def _balance(self, rows: Snapshots, buckets: Positions) -> None:
        known = np.flatnonzero(np.isfinite(rows.balance))
        if len(known):
            last = known[_last_of_each(buckets[known])]
            self.curve[buckets[last], BALANCE] = rows.balance[last]


def _last_of_each(buckets: Positions) -> Positions:
    """Positions of the last entry of each run of equal (sorted) bucket numbers."""
    return np.flatnonzero(np.append(np.diff(buckets) != 0, True))


def by_day(rows: Snapshots) -> Iterator[tuple[date, Snapshots]]:
    """Rows in order of time, cut at midnight UTC."""
    if not len(rows):
        return
    edges = [0, *(np.flatnonzero(np.diff(rows.times // 86400)) + 1), len(rows)]
    for start, stop in pairwise(edges):
        yield from_epoch(rows.times[start]).date(), rows.slice(int(start), int(stop))


def next_day(moment: datetime) -> datetime:
    """Midnight after ``moment``."""
    return datetime.combine(moment.date() + timedelta(days=1), datetime.min.time())
