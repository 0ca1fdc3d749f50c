"""The account history of one session, day by day, as far as it has been read, and the figures made of it."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np

from monitoring.database.gate import Tail
from monitoring.ledger.days import COLUMNS, TIME, Day, by_day
from monitoring.ledger.depth import DEPTHS
from monitoring.ledger.factors import FlowFactors, Held
from monitoring.ledger.past import Past, with_close, with_day
from monitoring.ledger.snapshots import MOST_BEATS, Snapshots
from monitoring.ledger.times import EPOCH, epoch
from monitoring.metrics.facts import Daily, Drawdown, Series

NO_STEPS = np.empty((0, COLUMNS))
NO_DEPTH = np.empty((0, DEPTHS))


@dataclass(slots=True)
class Record:
    """Days read up to ``tail`` and priced by ``factors``; ``exact`` when they hold every row, not only closes."""

    tail: Tail
    factors: FlowFactors
    exact: bool
    initial: float | None
    """The balance before the first row."""
    days: dict[date, Day] = field(default_factory=dict)
    newest: Day | None = None
    late: set[date] = field(default_factory=set)
    """Days that must be read anew, since a row came to them late."""
    beats: list[float] = field(default_factory=list)
    """Times of the newest rows, oldest first."""
    _past: Past | None = None

    def absorb(self, rows: Snapshots) -> bool:
        """Takes rows in order of time; whether the first came late, older than one that was there."""
        late = self.newest is not None and len(rows) > 0 and rows.first <= self.newest.last
        self.beats = sorted({*self.beats, *rows.times[-MOST_BEATS:].tolist()})[-MOST_BEATS:]
        for day, part in by_day(rows):
            self._take(day, part)
        return late

    def _take(self, day: date, rows: Snapshots) -> None:
        known = self.days.get(day)
        if known is None:
            self._put(Day.of(day, rows, self.factors))
        elif known is self.newest and rows.first > known.last:
            known.append(rows, self.factors)
        else:
            self.late.add(day)

    def read_again(self, day: date, rows: Snapshots) -> None:
        """Puts ``rows``, all that there are of ``day``, in place of what is known of it."""
        self.late.discard(day)
        if len(rows):
            self._put(Day.of(day, rows, self.factors))
        elif self.days.pop(day, None) is not None:
            self.newest = self.days[max(self.days)] if self.days else None
            self._past = None

    def _put(self, day: Day) -> None:
        replaced = self.days.get(day.date)
        if replaced is None or replaced is not self.newest:
            self._past = None
        self.days[day.date] = day
        if self.newest is None or day.date >= self.newest.date:
            self.newest = day

    def until(self, day: date, factors: FlowFactors) -> "Record":
        """The days before ``day``, as the beginning of a record with other factors from there on."""
        gaps = {number: replace(gap) for number, gap in self.tail.gaps.items()}
        tail = Tail(self.tail.watermark, gaps, self.tail.torn and replace(self.tail.torn))
        kept = {known: self.days[known] for known in self.days if known < day}
        newest = kept[max(kept)].reopened() if kept else None
        if newest:
            kept[newest.date] = newest
        return Record(tail, factors, self.exact, self.initial, kept, newest, beats=self.beats)

    def in_order(self) -> list[Day]:
        """The days, oldest first."""
        return [self.days[day] for day in sorted(self.days)]

    def closes(self) -> list[Held]:
        """The last real snapshot of each day, oldest first."""
        return [day.close for day in self.in_order() if day.close is not None]

    def past(self) -> Past:
        """All days but the newest."""
        if self._past is None:
            self._past = Past.of(self.in_order()[:-1], self.initial)
        return self._past

    def last_real_id(self) -> int | None:
        """Id of the newest real snapshot."""
        return next((day.last_real_id for day in reversed(self.in_order()) if day.last_real_id is not None), None)

    def daily(self) -> Daily | None:
        """One close a day from the first to the last, missing days carried forward; None where there is none."""
        return with_close(self.past().daily, self.newest) if self.newest else None

    def drawdown(self) -> Drawdown | None:
        """Decline from the running peak, the initial balance being the first peak; None without a real snapshot."""
        if self.newest is None:
            return None
        drawdown = with_day(self.past().drawdown, self.newest)
        return None if drawdown.empty else drawdown.drawdown(self.exact)

    def curve(self, since: datetime) -> tuple[Series, Series]:
        """The steps of every day's curve from ``since`` on that hold anything, oldest first, and their depth.

        Shapes (steps, COLUMNS) and (steps, DEPTHS), see ``days`` and ``depth``. Good until the next row is taken in.
        """
        if self.newest is None:
            return NO_STEPS, NO_DEPTH
        steps, depth = self.past().curve_with(self.newest)
        first = int(np.searchsorted(steps[:, TIME], epoch(since)))
        return steps[first:], depth[first:]

    def step_before(self, moment: datetime) -> Series | None:
        """The last step that ended before ``moment``, of shape (COLUMNS,)."""
        steps, _ = self.curve(EPOCH)
        place = int(np.searchsorted(steps[:, TIME], epoch(moment)))
        return steps[place - 1].copy() if place else None
