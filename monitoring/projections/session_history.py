"""The account history of one session, day by day."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from monitoring.metrics.facts import Series
from monitoring.projections.days import Day, EquityPoint, by_day
from monitoring.projections.outliers import outliers
from monitoring.projections.snapshots import Snapshots
from monitoring.projections.times import from_epoch, midnight, shifted

DAY = timedelta(days=1)


@dataclass(slots=True)
class SessionHistory:
    """What is known of the days of one session."""

    days: dict[date, Day] = field(default_factory=dict)
    newest: Day | None = None
    late: set[date] = field(default_factory=set)
    """Days that must be read anew, since a row came to them late."""
    changes: int = 0
    """Counts the changes, and ..."""
    old_changes: int = 0
    """... those of other days than the newest, or that began a new newest day."""
    outlier_days: set[date] = field(default_factory=set)
    """Days of which a snapshot may be none: that depends on bookings, too."""
    late_changes: int = 0
    """How often a row came late, or a day was read anew."""

    _tail: Series = field(default_factory=lambda: np.empty((0, 2)))
    """Times and equity of the two newest snapshots, shape (2, 2)."""

    def absorb(self, rows: Snapshots) -> None:
        """Takes rows in order of time, which may be older than those that were there."""
        for day, part in by_day(rows):
            self._take(day, part)
        self._look_for_outliers(rows)

    def _look_for_outliers(self, rows: Snapshots) -> None:
        """Has the days read again in which a snapshot fell to nothing for a moment."""
        real = np.isfinite(rows.equity)
        tail = np.concatenate([self._tail, np.column_stack((rows.times[real], rows.equity[real]))])
        tail = tail[np.argsort(tail[:, 0], kind="stable")]
        for at in tail[outliers(tail[:, 0], tail[:, 1]), 0]:
            self.outlier_days.add(from_epoch(at).date())
            self.read_later(from_epoch(at).date())
        self._tail = tail[-2:]

    def booked(self, days: Iterable[date]) -> None:
        """Bookings came of these days: what looked like an outlier may be true."""
        for day in self.outlier_days.intersection(days):
            self.read_later(day)

    def read_range_again(self, after: int, until: int) -> None:
        """Rows with ``after`` < id <= ``until`` changed or went, which tell outliers of the days beside, too."""
        found = [known.date for known in self.days.values() if known.ids[0] <= until and known.ids[1] > after]
        near = {shifted(midnight(day), by * DAY).date() for day in found for by in (-1, 0, 1)}
        for day in self.days.keys() & near:
            self.read_later(day)

    def read_later(self, day: date) -> None:
        self.late.add(day)
        self.late_changes += 1

    def _take(self, day: date, rows: Snapshots) -> None:
        self.changes += 1
        known = self.days.get(day)
        if known is self.newest and known is not None and rows.first > known.last:
            known.append(rows)
        elif known is None and (self.newest is None or day > self.newest.date):
            self._put(Day.of(day, rows))
        else:
            self.read_later(day)

    def read_again(self, day: date, rows: Snapshots) -> None:
        """Puts ``rows``, all that there are of ``day``, in place of what is known of it."""
        self.late.discard(day)
        self.changes += 1
        self.late_changes += 1
        if len(rows):
            self._put(Day.of(day, rows))
        elif self.days.pop(day, None) is not None:
            self.old_changes += 1
            self.newest = self.days[max(self.days)] if self.days else None

    def _put(self, day: Day) -> None:
        self.old_changes += 1
        self.days[day.date] = day
        if self.newest is None or day.date >= self.newest.date:
            self.newest = day

    def stamp(self, day: date) -> tuple[object, ...] | None:
        """Differs when rows came to the day."""
        known = self.days.get(day)
        return None if known is None else (known.first, known.last, known.rows)

    def closes(self) -> Iterable[EquityPoint]:
        """The last snapshot of each day."""
        return [day.close for day in self.days.values() if day.close is not None]
