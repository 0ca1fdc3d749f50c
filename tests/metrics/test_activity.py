"""One stream of what happened: equal events are one line, pages join without a gap, the last visit has its place."""

from datetime import datetime, timedelta
from random import Random

import pytest

from monitoring.metrics.activity import (
    ALERT,
    CLOSED,
    EVENT,
    OPENED,
    Below,
    Day,
    Line,
    Page,
    Seen,
    event_key,
    items,
    page,
    runs,
)

NOW = datetime(2026, 3, 11, 15, 30)
TOP = Below.top(NOW)


def ago(**interval: float) -> datetime:
    return NOW - timedelta(**interval)


def event(at: datetime, number: int, message: str = "late") -> Line:
    return Line(at, EVENT, number, key=event_key("WARNING", "warning", "feed", None, message))


def said(lines: list[Line]) -> list[tuple[int, int]]:
    return [(line.number, line.count) for line in lines]


def test_equal_events_after_one_another_are_one_line() -> None:
    events = [
        event(ago(minutes=m), 100 - m, text) for m, text in enumerate(("late 2 s", "late 7 s", "gone", "late 9 s"))
    ]
    found = list(runs(events, None))
    assert said(found) == [(100, 2), (98, 1), (97, 1)]
    assert found[0].last_row == (ago(minutes=1), 99)


def test_what_was_seen_is_not_counted_with_what_is_new() -> None:
    events = [event(ago(minutes=minute), 100 - minute) for minute in range(10)]
    assert said(list(runs(events, ago(minutes=4)))) == [(100, 4), (96, 6)]


def test_lines_of_one_instant_have_one_order() -> None:
    lines = [Line(NOW, kind, number) for kind in (ALERT, OPENED, CLOSED) for number in (1, 2)]
    Random(3).shuffle(lines)
    found = page(lines, TOP, 9, None).lines
    assert [(line.kind, line.number) for line in found] == [
        (CLOSED, 2), (CLOSED, 1), (OPENED, 2), (OPENED, 1), (ALERT, 2), (ALERT, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_pages_hold_every_line_once(count: int) -> None:
    dice = Random(count)
    kinds = (CLOSED, OPENED, ALERT)
    lines = [Line(ago(minutes=dice.randrange(8)), dice.choice(kinds), number) for number in range(40)]
    shown: list[Line] = []
    below: Below | None = TOP
    while below is not None:
        there = [line for line in lines if (line.at, line.number) < below.place.bound(line.kind)]
        assert all(line.place < below.place for line in there)
        found = page(there, below, count, None)
        shown, below = [*shown, *found.lines], found.older
    assert shown == sorted(lines, key=lambda line: line.place, reverse=True)


def test_a_page_ends_where_older_events_were_not_read() -> None:
    lines = [event(ago(minutes=1), 9), Line(ago(minutes=2), CLOSED, 4), Line(ago(hours=2), CLOSED, 3)]
    found = page(lines, TOP, 9, ago(hours=1))
    assert [line.number for line in found.lines] == [9, 4]
    assert found.older == Below(lines[1].place, (ago(minutes=1), 9))


def headed(lines: list[Line], looked: datetime | None, below: Below = TOP, older: Below | None = None) -> list[object]:
    """Lines by their numbers."""
    found = items(Page(tuple(lines), older), below, looked, NOW.date())
    return [one.number if isinstance(one, Line) else one for one in found]


LINES = [Line(ago(hours=hours), CLOSED, 100 - hours) for hours in (1, 3, 20, 50)]
YESTERDAY, BEFORE = Day(ago(hours=20).date()), Day(ago(hours=50).date())


def test_days_before_today_have_headings() -> None:
    assert headed(LINES, None) == [99, 97, YESTERDAY, 80, BEFORE, 50]
    assert headed(LINES[2:], None) == [YESTERDAY, 80, BEFORE, 50]


@pytest.mark.parametrize(
    ("hours", "place"), [(0.5, 0), (2, 1), (4, 2), (15, 2), (16, 3), (21, 4), (60, 6)]
)  # fmt: skip
def test_the_last_visit_stands_between_new_and_old(hours: float, place: int) -> None:
    looked = ago(hours=hours)
    expected: list[object] = [99, 97, YESTERDAY, 80, BEFORE, 50]
    expected.insert(place, Seen(looked))
    assert headed(LINES, looked) == expected


def test_the_last_visit_stands_on_one_page_alone() -> None:
    second = Below(LINES[1].place, TOP.event)
    for hours, first in ((2, True), (10, False)):
        looked = ago(hours=hours)
        assert (Seen(looked) in headed(LINES[:2], looked, TOP, second)) is first
        assert (Seen(looked) in headed(LINES[2:], looked, second)) is not first
