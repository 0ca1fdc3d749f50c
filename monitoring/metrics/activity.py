"""What happened, as one stream: lines newest first, a page of them, under headings by day.

Pure. All times are naive UTC. A page begins below a place, so that new lines move nothing on older pages.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

CLOSED, OPENED, STOP, PART, EVENT, FINDING, ALERT, STARTED, STOPPED = KINDS = (
    "closed", "opened", "stop", "part", "event", "finding", "alert", "started", "stopped",
)  # fmt: skip
"""In the order in which lines of one instant stand."""
MAX_ID = 2**63 - 1
NUMBERS = re.compile("[0-9]+")


class Place(NamedTuple):
    """Where a line stands: smaller is older, and lower."""

    at: datetime
    rank: int
    """0 of the first of KINDS, −1 of the second."""
    number: int

    @classmethod
    def above(cls, latest: datetime) -> "Place":
        """Above every line up to a moment."""
        return cls(latest, 1, MAX_ID)

    def bound(self, kind: str) -> tuple[datetime, int]:
        """Time and number below which the lines of a kind are that stand below."""
        rank = -KINDS.index(kind)
        number = self.number if rank == self.rank else MAX_ID if rank < self.rank else -1
        return self.at, number


class Below(NamedTuple):
    """Where a page begins."""

    place: Place
    event: tuple[datetime, int]
    """Time and id of the oldest event above: a line may stand for events that are older than lines below it."""

    @classmethod
    def top(cls, latest: datetime) -> "Below":
        return cls(Place.above(latest), (latest, MAX_ID))


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, or one thing that happened several times."""

    at: datetime
    """Of the newest time."""
    kind: str
    number: int
    """The id of its row."""
    level: str = ""
    """won, lost, warning or error."""
    details: Mapping[str, object] = field(default_factory=dict)
    amount: Decimal | None = None
    """Money that it made."""
    key: object = None
    """Equal of events that are one line where they follow each other."""
    count: int = 1
    is_counted: bool = True
    """Whether that is all; more happened earlier otherwise."""
    oldest: tuple[datetime, int] | None = None
    """Time and id of the first of several."""

    @property
    def place(self) -> Place:
        return Place(self.at, -KINDS.index(self.kind), self.number)

    @property
    def last_row(self) -> tuple[datetime, int]:
        return self.oldest or (self.at, self.number)


def event_key(kind: str, severity: str, component: str | None, code: str | None, message: str) -> tuple[object, ...]:
    """Equal of events that say the same but for numbers."""
    return kind, severity, component, code, NUMBERS.sub("#", message)


def runs(events: Iterable[Line], looked: datetime | None) -> Iterator[Line]:
    """Equal events after one another as one line, unless the viewer looked between them. Newest first."""

    def key(line: Line) -> object:
        return line.key, looked is not None and line.at > looked

    for _, group in groupby(events, key):
        run = list(group)
        yield run[0] if len(run) == 1 else replace(run[0], count=len(run), oldest=(run[-1].at, run[-1].number))


@dataclass(frozen=True, slots=True)
class Page:
    """Lines newest first. ``older``: where the next page begins; None on the last."""

    lines: tuple[Line, ...]
    older: Below | None


def page(lines: Iterable[Line], below: Below, count: int, known_from: datetime | None) -> Page:
    """The first ``count`` of some lines. ``known_from``: older ones may be missing; None where none are."""
    ordered = sorted(lines, key=lambda line: line.place, reverse=True)
    whole = [line for line in ordered if known_from is None or line.at >= known_from]
    shown = tuple(whole[:count])
    if len(shown) == len(ordered) and known_from is None:
        return Page(shown, None)
    if not shown:
        return Page(shown, None)
    events = [line.last_row for line in shown if line.kind == EVENT]
    return Page(shown, Below(shown[-1].place, min(events, default=below.event)))


class Day(NamedTuple):
    """The heading of the lines of a day."""

    day: date


class Seen(NamedTuple):
    """The viewer's last visit ended here."""

    at: datetime


Item = Line | Day | Seen


def items(found: Page, below: Below, looked: datetime | None, today: date) -> Iterator[Item]:
    """The lines of a page with headings, but for today's, and the place where the viewer looked last."""
    day, above = today, below.place.at
    for line in found.lines:
        seen = Seen(looked) if looked is not None and line.at <= looked < above else None
        heading = Day(line.at.date()) if line.at.date() != day else None
        # Of a moment of the day below, the heading comes first.
        parts = (seen, heading) if looked is not None and looked.date() == day else (heading, seen)
        yield from (part for part in parts if part is not None)
        yield line
        day, above = line.at.date(), line.at
    if looked is not None and found.older is None and looked < above:
        yield Seen(looked)
