"""One UTC day of account history of one session: its close, its extremes, its deepest decline, a coarse curve of it.

Everything is in the account's currency. Deposits and withdrawals are taken out when a day is read (see ``timeline``),
since a factor that is the same all day long changes no ratio within it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitoring.metrics.drawdown import DrawdownRun, merge
from monitoring.metrics.facts import Series
from monitoring.projections.snapshots import Snapshots
from monitoring.projections.times import epoch, from_epoch, midnight

DayDate = date
STEP_SECONDS = 600.0
"""Length of one step of the curve."""
STEPS = int(86400 / STEP_SECONDS)

COLUMNS = 6
LOW, HIGH, CLOSE, TIME, BALANCE, DROP = range(COLUMNS)
"""Columns of the curve: extremes and last of the equity, when that was, balance; the deepest decline from the highest
of the day until then, as a fraction."""

Positions = npt.NDArray[np.intp]


class EquityPoint(NamedTuple):
    """A snapshot: epoch seconds, equity, balance."""

    at: float
    equity: float
    balance: float


def empty_curve() -> Series:
    return np.full((STEPS, COLUMNS), np.nan)


@dataclass(slots=True)
class Day:
    """``curve`` has shape (steps, COLUMNS): STEPS while rows are added, with NaN where nothing was written."""

    date: date
    first: tuple[float, int]
    last: tuple[float, int]
    """Time and id of the oldest and the newest row of any kind."""
    rows: int = 0
    last_snapshot_id: int | None = None
    opening: EquityPoint | None = None
    close: EquityPoint | None = None
    """The oldest and the newest snapshot."""
    leap: float = 0.0
    """The largest change of the balance from one snapshot to the next."""
    run: DrawdownRun | None = None
    """The day's equity, as far as declines go."""
    curve: Series = field(default_factory=empty_curve)

    @classmethod
    def of(cls, day: DayDate, rows: Snapshots) -> "Day":
        made = cls(day, first=rows.first, last=rows.last)
        made.append(rows)
        return made

    @property
    def steps(self) -> Series:
        """The steps of the curve that hold anything."""
        return self.curve[np.isfinite(self.curve[:, TIME])]

    def compact(self) -> None:
        """Lets the empty steps go: no rows are expected any more."""
        self.curve = self.steps

    def reopened(self) -> "Day":
        """A copy that takes rows, though the empty steps of this one may have been left out."""
        curve, steps = empty_curve(), self.steps
        curve[self._places(steps[:, TIME])] = steps
        return replace(self, curve=curve)

    def append(self, rows: Snapshots) -> None:
        """Takes rows of this day that are newer than all it has, in order of time."""
        self.last, self.rows = rows.last, self.rows + len(rows)
        places = self._places(rows.times)
        known = np.isfinite(rows.balance)
        self._fill(BALANCE, places[known], rows.balance[known])
        real = np.isfinite(rows.equity)
        if real.all():
            self._snapshots(rows, places)
        elif real.any():
            self._snapshots(rows.where(real), places[real])

    def _places(self, times: Series) -> Positions:
        return ((times - epoch(midnight(self.date))) // STEP_SECONDS).astype(np.intp)

    def _fill(self, column: int, places: Positions, values: Series) -> None:
        last = _ends(places) - 1
        self.curve[places[last], column] = values[last]

    def _snapshots(self, rows: Snapshots, places: Positions) -> None:
        at, self.last_snapshot_id = rows.last
        self.opening = self.opening or EquityPoint(float(rows.times[0]), float(rows.equity[0]), float(rows.balance[0]))
        known = rows.balance[np.isfinite(rows.balance)]
        changes = np.abs(np.diff(known, prepend=[self.close.balance] if self.close else []))
        self.leap = float(np.nanmax(changes, initial=self.leap))
        self.close = EquityPoint(at, float(rows.equity[-1]), float(rows.balance[-1]))
        # Below zero the share depends on the peak of the days before, and is no more than all of the day's own.
        above = np.maximum(rows.equity, 0.0)
        peaks = np.maximum.accumulate(np.append(self.run.high.value if self.run else 0.0, above))[1:]
        kept = np.divide(above, peaks, out=np.ones_like(above), where=peaks > 0)
        ends = _ends(places)
        starts, steps = np.append(0, ends[:-1]), places[ends - 1]
        for column, extreme, values in (
            (LOW, np.fmin, rows.equity),
            (HIGH, np.fmax, rows.equity),
            (DROP, np.fmax, 1 - kept),
        ):
            self.curve[steps, column] = extreme(self.curve[steps, column], extreme.reduceat(values, starts))
        self.curve[steps, CLOSE], self.curve[steps, TIME] = rows.equity[ends - 1], rows.times[ends - 1]
        self.run = merge(self.run, DrawdownRun.of(rows.times, rows.equity))


def _ends(places: Positions) -> Positions:
    """Where each run of equal places ends: the position behind its last entry."""
    changes = np.flatnonzero(places[1:] != places[:-1]) + 1
    return np.append(changes, len(places)) if len(places) else changes


def by_day(rows: Snapshots) -> Iterator[tuple[date, Snapshots]]:
    """Rows in order of time, cut at midnight UTC."""
    if not len(rows):
        return
    edges = [0, *(np.flatnonzero(np.diff(rows.times // 86400)) + 1), len(rows)]
    for start, stop in pairwise(edges):
        yield from_epoch(rows.times[start]).date(), rows.where(slice(int(start), int(stop)))
