"""Times as the reader sees them: moments by the clocks of the reader's zone, days as UTC days."""

from datetime import UTC, date, datetime, timedelta

from monitoring.clock import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS
from monitoring.formatting.numbers import Number
from monitoring.formatting.unknown import MINUS, dash_if_unknown
from monitoring.presentation import present

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not by strftime, whose names follow the server's locale."""
SHORT_SPAN_SECONDS, LONG_SPAN_SECONDS = 2 * DAY_SECONDS, 400 * DAY_SECONDS
"""A time axis shorter than the first has hours for labels, one longer than the second months."""


@dash_if_unknown
def age(moment: datetime, now: datetime) -> str:
    """12 s ago, 6 min ago, 3 h ago, 2 d ago; just now below a second, and where a clock runs ahead."""
    seconds = int((now - moment).total_seconds())
    if seconds < 1:
        return "just now"
    for length, unit_ in ((DAY_SECONDS, "d"), (HOUR_SECONDS, "h"), (MINUTE_SECONDS, "min")):
        if seconds >= length:
            return f"{seconds // length:,} {unit_} ago"
    return f"{seconds} s ago"


@dash_if_unknown
def duration(value: Number | timedelta, unit: str = "seconds") -> str:
    """45 s, 12 min, 3 h 12 min, 2 d 3 h: of a timedelta, or of a number of the unit (milliseconds to days)."""
    length = value if isinstance(value, timedelta) else timedelta(**{unit: float(value)})
    seconds = int(abs(length).total_seconds())
    sign = MINUS if length.days < 0 and seconds else ""
    days, hours, minutes = (
        seconds // DAY_SECONDS,
        seconds % DAY_SECONDS // HOUR_SECONDS,
        seconds % HOUR_SECONDS // MINUTE_SECONDS,
    )
    if days:
        return f"{sign}{days:,} d" + (f" {hours} h" if hours else "")
    if hours:
        return f"{sign}{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{sign}{minutes} min" if minutes else f"{sign}{seconds} s"


@dash_if_unknown
def utc(moment: datetime) -> str:
    """22 Nov 2026 14:32:07 UTC, or as the clocks of the reader's zone show it: 22 Nov 2026 15:32:07 CET."""
    shown = local(moment)
    return f"{shown.day} {MONTHS[shown.month - 1]} {shown.year} {shown:%H:%M:%S} {present().zone_name(moment)}"


def local(moment: datetime) -> datetime:
    """A moment (never a day, which stays a UTC day) as the clocks of the reader's zone show it."""
    return present().local(moment)


@dash_if_unknown
def stamp(moment: datetime, now: datetime) -> str:
    """14:32 of today, 22 Nov 14:32 of this year, 22 Nov 2025 14:32."""
    shown, today = local(moment), local(now)
    if shown.date() == today.date():
        return f"{shown:%H:%M}"
    return f"{day(shown)} {shown:%H:%M}" if shown.year == today.year else f"{day(shown)} {shown.year} {shown:%H:%M}"


def utc_days(now: datetime) -> str | None:
    """What to say where things are grouped by day, while the reader's clocks are not UTC's: days are UTC days."""
    return "UTC days" if local(now) != now else None


def utc_minute(moment: datetime) -> str:
    """2026-11-22 14:32 UTC, for reasons."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def iso(moment: datetime | None) -> str:
    """2026-11-22T14:32:07+00:00, for machines: empty, not a dash, when unknown."""
    return "" if moment is None else moment.replace(tzinfo=UTC).isoformat()


@dash_if_unknown
def day(moment: date) -> str:
    """22 Nov"""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


@dash_if_unknown
def weekday(moment: date) -> str:
    """Mon"""
    return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]


@dash_if_unknown
def month(moment: date) -> str:
    """Nov 2026"""
    return f"{MONTHS[moment.month - 1]} {moment.year}"


@dash_if_unknown
def period(first: date, last: date) -> str:
    """3 Mar 2026, or 3 Mar to 9 Mar 2026: the days from ``first`` to ``last``, naive datetimes or dates."""
    begins = "" if (first.year, first.month, first.day) == (last.year, last.month, last.day) else f"{day(first)} "
    if begins and first.year != last.year:
        begins += f"{first.year} "
    return f"{begins and begins + 'to '}{day(last)} {last.year}"


@dash_if_unknown
def clock(moment: datetime) -> str:
    """14:32"""
    return f"{local(moment):%H:%M}"


@dash_if_unknown
def clock_seconds(moment: datetime, now: datetime) -> str:
    """14:32:07 of today, 22 Nov 14:32 of another day."""
    shown = local(moment)
    return f"{shown:%H:%M:%S}" if shown.date() == local(now).date() else stamp(moment, now)


def from_epoch(seconds: float) -> datetime:
    """The naive UTC datetime of seconds since 1970, in which charts count."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


@dash_if_unknown
def time_label(seconds: float, span: float) -> str:
    """Label of a moment on a time axis ``span`` seconds long: 14:30, 22 Nov 12:00, 22 Nov or Nov 2026."""
    moment = from_epoch(seconds)
    if span > LONG_SPAN_SECONDS:
        return month(moment)
    if moment.time() == moment.min.time() or span > SHORT_SPAN_SECONDS:
        return day(moment)
    return clock(moment) if span <= DAY_SECONDS else f"{day(moment)} {clock(moment)}"
