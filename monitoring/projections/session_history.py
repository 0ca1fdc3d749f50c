"""The account history of one session, day by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from statistics import median

from monitoring.projections.days import Day, EquityPoint, by_day
from monitoring.projections.snapshots import MAX_BEATS, Snapshots


@dataclass(slots=True)
class SessionHistory:
    """What is known of the days of one session."""

    days: dict[date, Day] = field(default_factory=dict)
    newest: Day | None = None
    late: set[date] = field(default_factory=set)
    """Days that must be read anew, since a row came to them late."""
    beats: list[float] = field(default_factory=list)
    """Times of the newest rows, oldest first, epoch seconds."""
    changes: int = 0
    """Counts the changes, and ..."""
    old_changes: int = 0
    """... those of other days than the newest, or that began a new newest day."""
    late_changes: int = 0
    """How often a row came late, or a day was read anew."""

    def absorb(self, rows: Snapshots) -> None:
        """Takes rows in order of time, which may be older than those that were there."""
        self.beats = sorted({*self.beats, *rows.times[-MAX_BEATS:].tolist()})[-MAX_BEATS:]
        for day, part in by_day(rows):
            self._take(day, part)

    def _take(self, day: date, rows: Snapshots) -> None:
        self.changes += 1
        known = self.days.get(day)
        if known is self.newest and known is not None and rows.first > known.last:
            known.append(rows)
        elif known is None and (self.newest is None or day > self.newest.date):
            self._put(Day.of(day, rows))
        else:
            self.late.add(day)
            self.late_changes += 1

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
            self._reopen_newest()

    def _put(self, day: Day) -> None:
        self.old_changes += 1
        is_newest = self.newest is None or day.date >= self.newest.date
        if is_newest and self.newest is not None and day.date > self.newest.date:
            self.newest.compact()
        self.days[day.date] = day
        if is_newest:
            self.newest = day
        else:
            day.compact()

    def _reopen_newest(self) -> None:
        if self.newest is not None:
            self.newest = self.days[self.newest.date] = self.newest.reopened()

    def stamp(self, day: date) -> tuple[object, ...] | None:
        """Differs when rows came to the day."""
        known = self.days.get(day)
        return None if known is None else (known.first, known.last, known.rows)

    def closes(self) -> Iterable[EquityPoint]:
        """The last snapshot of each day."""
        return [day.close for day in self.days.values() if day.close is not None]


def rhythm_seconds(beats: Sequence[float]) -> float | None:
    """Median of the gaps between times in order, in epoch seconds; None where there are fewer than three."""
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    return median(gaps) if len(gaps) > 1 else None
