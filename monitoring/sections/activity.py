"""Activity: trades, positions, stops, events, alerts and restarts as one stream, newest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.metrics.activity import MAX_ID, STARTED, STOPPED, Below, Item, Line, Page, Place, items, page
from monitoring.projections.times import EPOCH, microseconds, shifted
from monitoring.sections.activity_events import SAME_MATTER_SPAN, read_events
from monitoring.sections.activity_lines import (
    Window,
    as_restarts,
    read_alerts_of_state,
    read_closed,
    read_findings,
    read_parts,
    read_restarts,
    read_stops,
    within,
)
from monitoring.sections.activity_openings import read_opened
from monitoring.sections.section import BadParameter, Context, Section
from monitoring.sections.since import LOOKED, since_of

SHOWN_ROWS = 15
TABLES = ("trades", "positions", "system_events", "orders", "partial_trades", "reconciliation_audit_events")
"""What happened is told by their rows."""
KILL_SWITCH = "SYSTEM_HALT"
"""What the code of an event begins with that tells of it."""
BEFORE_START = timedelta(days=1)
"""Of what names no time of its own, this much before the start of the scope is looked at."""
CURSOR = re.compile(r"(\d{1,18})\.([0-8])\.(\d{1,19})\.(\d{1,18})\.(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ActivityView:
    """``older``: the parameter ``before`` of the next page; None on the last. ``first``: nothing is above.

    ``left_out``: why some kinds of lines are missing, a sentence a table that cannot be read.
    """

    items: tuple[Item, ...]
    older: str | None
    first: bool
    left_out: tuple[str, ...]


def cursor(below: Below) -> str:
    """Names the place in a link."""
    place, event = below
    return f"{microseconds(place.at)}.{-place.rank}.{place.number}.{microseconds(event[0])}.{event[1]}"


def parse_cursor(text: str) -> Below:
    """The place that a cursor names. Raises BadParameter."""
    found = CURSOR.fullmatch(text)
    at, rank, number, event_at, event = map(int, found.groups()) if found else (0, 0, MAX_ID + 1, 0, 0)
    try:
        if max(number, event) <= MAX_ID:
            return Below(Place(_moment(at), -rank, number), (_moment(event_at), event))
    except OverflowError:
        pass
    raise BadParameter(f"before={text[:40]}: expected the place a link of this page names")


def _moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


async def read_activity(context: Context, count: int) -> ActivityView:
    """So many lines from the parameter ``before`` on. Raises BadParameter."""
    before = context.arguments.get("before")
    below = parse_cursor(before) if before else Below.top(context.now + MAX_CLOCK_SKEW)
    since = since_of(context)
    looked = since.at if since.is_visit else None
    found = await _page(context, below, count, looked)
    shown = tuple(items(found, below, looked, context.now.date()))
    left_out = tuple(fault for table in TABLES if (fault := context.capabilities.fault(table)))
    return ActivityView(shown, cursor(found.older) if found.older else None, before is None, left_out)


async def _page(context: Context, below: Below, count: int, looked: datetime | None) -> Page:
    """``count`` lines from ``below`` on. Rows without an index by time are read of the time of these lines alone."""
    start = shifted(context.state.session.start, -BEFORE_START)
    whole = Window(below.place, EPOCH, count + 1)
    restarts = await read_restarts(context)
    times = [line.at for line in restarts if line.kind in (STARTED, STOPPED)]
    events = await read_events(context, below, count, looked, times)
    lines = [*await read_closed(context, whole), *await read_opened(context, whole), *events.lines]
    alerts = [one for one in await read_alerts_of_state(context) if not _is_told(one, events.lines)]
    lines += within([*as_restarts(restarts), *alerts], whole)
    newest = sorted((line.at for line in lines), reverse=True)[:count]
    tail = max([start, events.known_from or EPOCH, *(newest[-1:] if len(newest) == count else [])])
    part = Window(below.place, tail, count + 1)
    lines += [*await read_stops(context, part), *await read_parts(context, part), *await read_findings(context, part)]
    return page(lines, below, count, events.known_from)


def _is_told(alert: Line, events: Sequence[Line]) -> bool:
    """Whether an event tells of the kill switch at the same time."""
    of_switch = (one for one in events if str(one.details["code"]).startswith(KILL_SWITCH))
    return alert.details["code"] == "halted" and any(abs(one.at - alert.at) <= SAME_MATTER_SPAN for one in of_switch)


async def load(context: Context) -> ActivityView:
    return await read_activity(context, SHOWN_ROWS)


SECTION = Section("activity", "Activity", load, ticks=60.0, calm=True, of_viewer=(LOOKED,))
