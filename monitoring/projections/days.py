"""One UTC day of account history of one session: its close, its extremes, its deepest decline, a coarse curve of it.

Everything is in the account's currency. Deposits and withdrawals are taken out when a day is read (see ``timeline``),
since a factor that is the same all day long changes no ratio within it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitoring.metrics.drawdown import DrawdownRun, merge
from monitoring.metrics.facts import Series
from monitoring.projections.snapshots import Snapshots
from monitoring.projections.times import from_epoch

DayDate = date
STEP_SECONDS = 600.0
"""Of so long a time the first, the lowest, the highest, the deepest, the most exposed and the last snapshot
are kept."""

COLUMNS = 5
TIME, EQUITY, BALANCE, DROP, EXPOSURE = range(COLUMNS)
"""Columns of the curve, a row a snapshot: when it was (epoch seconds), its equity and balance; the decline from the
highest of the day until then, as a fraction; the value of the open positions at their entries, in percent of equity,
NaN where it is unknown."""

Positions = npt.NDArray[np.intp]


class EquityPoint(NamedTuple):
    """A snapshot: epoch seconds, equity, balance."""

    at: float
    equity: float
    balance: float


def extremes(groups: Positions, *series: Series) -> Positions:
    """Places of the first and last row of each group, and of the highest of each series; ascending, each once.

    ``groups`` tells neighbours of one group by the same number, shape (rows,).
    """
    if not len(groups):
        return np.empty(0, dtype=np.intp)
    starts = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    found = [starts, np.append(starts[1:], len(groups)) - 1]
    if len(starts) < len(groups):
        number = np.cumsum(np.diff(groups, prepend=groups[0]) != 0)
        for values in series:
            places = np.flatnonzero(values == np.fmax.reduceat(values, starts)[number])
            found.append(places[np.diff(number[places], prepend=-1) != 0])
    return np.unique(np.concatenate(found))


@dataclass(slots=True)
class Day:
    """``curve`` has shape (rows, COLUMNS), in order of time: see STEP_SECONDS for which rows it keeps."""

    date: date
    first: tuple[float, int]
    last: tuple[float, int]
    """Time and id of the oldest and the newest row of any kind."""
    rows: int = 0
    ids: tuple[int, int] = (0, 0)
    """The lowest and the highest id of its rows."""
    last_snapshot_id: int | None = None
    opening: EquityPoint | None = None
    close: EquityPoint | None = None
    """The oldest and the newest snapshot."""
    leap: float = 0.0
    """The largest change of the balance from one snapshot to the next."""
    run: DrawdownRun | None = None
    """The day's equity, as far as declines go."""
    curve: Series = field(default_factory=lambda: np.empty((0, COLUMNS)))

    @classmethod
    def of(cls, day: DayDate, rows: Snapshots) -> "Day":
        made = cls(day, first=rows.first, last=rows.last)
        made.append(rows)
        return made

    def append(self, rows: Snapshots) -> None:
        """Takes rows of this day that are newer than all it has, in order of time."""
        lowest, highest = int(rows.ids.min()), int(rows.ids.max())
        self.ids = (min(self.ids[0], lowest), max(self.ids[1], highest)) if self.rows else (lowest, highest)
        self.last, self.rows = rows.last, self.rows + len(rows)
        real = np.isfinite(rows.equity)
        if real.any():
            self._snapshots(rows if real.all() else rows.where(real))

    def _snapshots(self, rows: Snapshots) -> None:
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
        self._keep(np.column_stack((rows.times, rows.equity, rows.balance, 1 - kept, _exposure(rows))))
        self.run = merge(self.run, DrawdownRun.of(rows.times, rows.equity))

    def _keep(self, rows: Series) -> None:
        """Puts rows behind the curve; what it kept of their first step is looked at with them."""
        whole = int(np.searchsorted(self.curve[:, TIME], rows[0, TIME] // STEP_SECONDS * STEP_SECONDS))
        found = np.concatenate([self.curve[whole:], rows])
        steps = (found[:, TIME] // STEP_SECONDS).astype(np.intp)
        kept = extremes(steps, found[:, EQUITY], -found[:, EQUITY], found[:, DROP], found[:, EXPOSURE])
        self.curve = np.concatenate([self.curve[:whole], found[kept]])


def _exposure(rows: Snapshots) -> Series:
    """In percent of equity; NaN where it is unknown, or no number can hold it."""
    equity = np.where(rows.equity > 0, rows.equity, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        shares: Series = rows.exposure / equity * 100
    return np.where(np.isfinite(shares), shares, np.nan)


def by_day(rows: Snapshots) -> Iterator[tuple[date, Snapshots]]:
    """Rows in order of time, cut at midnight UTC."""
    if not len(rows):
        return
    edges = [0, *(np.flatnonzero(np.diff(rows.times // 86400)) + 1), len(rows)]
    for start, stop in pairwise(edges):
        yield from_epoch(rows.times[start]).date(), rows.where(slice(int(start), int(stop)))
