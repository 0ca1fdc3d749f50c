"""Jinja filters: numbers and times as the reader sees them.

Groups of three by commas, U+2212 for minus, a narrow no-break space before the percent sign, + and − on signed
figures. Unknown (None, NaN, infinite) is a dash: the template says why. Zero is a number like any other, and never
negative. Numbers may be Decimal, float or int; datetimes are naive UTC.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from monitoring.clock import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS
from monitoring.presentation import present

Number = Decimal | float | int
T = TypeVar("T")
P = ParamSpec("P")

DASH = "—"
MINUS = "−"
NARROW_SPACE = "\u202f"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not by strftime, whose names follow the server's locale."""

MAX_PLAIN_LEVEL, MIN_PLAIN_LEVEL = 1e15, 1e-12
"""Beyond these nobody counts the digits: such a number is written with an exponent."""
COIN_MAGNITUDES = ((1e9, "B"), (1e6, "M"))
MAGNITUDES = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
SHORT_SPAN_SECONDS, LONG_SPAN_SECONDS = 2 * DAY_SECONDS, 400 * DAY_SECONDS
"""A time axis shorter than the first has hours for labels, one longer than the second months."""


def _dash_if_unknown(filter_: Callable[Concatenate[T, P], str]) -> Callable[Concatenate[T | None, P], str]:
    @wraps(filter_)
    def filtered(value: T | None, /, *args: P.args, **kwargs: P.kwargs) -> str:
        if value is None or (isinstance(value, float | Decimal) and not math.isfinite(value)):
            return DASH
        return filter_(value, *args, **kwargs)

    return filtered


@_dash_if_unknown
def money(value: Number, signed: bool = False, digits: int = 2) -> str:
    """12,345.60; signed +12,345.60 or −12,345.60."""
    return _fixed(value, digits, signed)


@_dash_if_unknown
def amount(value: Number, signed: bool = False) -> str:
    """12,345.60 of dollars, 12,346 of yen: the account's money, at the decimals of its currency, or at as many more as
    an amount that is not zero needs."""
    return _fixed(value, _enough(value, present().decimals), signed)


@_dash_if_unknown
def in_r(value: Number, signed: bool = True) -> str:
    """+1.61 R, a multiple of what was risked."""
    return f"{_fixed(value, _enough(value, 2), signed)}{NARROW_SPACE}R"


@_dash_if_unknown
def percent(value: Number, signed: bool = False, digits: int = 2) -> str:
    """12.50 %, of a value that is in percent already; 0.004 % rather than a zero that is none."""
    return f"{_fixed(value, _enough(value, digits), signed)}{NARROW_SPACE}%"


@_dash_if_unknown
def ratio(value: Number, signed: bool = False, digits: int = 2) -> str:
    """1.42"""
    return _fixed(value, digits, signed)


@_dash_if_unknown
def count(value: Number, signed: bool = False) -> str:
    """1,234. (Jinja's own ``count`` is also called ``length``.)"""
    return _fixed(value, 0, signed)


@_dash_if_unknown
def quantity(value: Number) -> str:
    """0.015: up to eight decimals, as exchanges have, or more where those would show too little; no idle zeros."""
    return _trimmed(value, max(8, _decimals(value, significant=3)))


@_dash_if_unknown
def coins(value: Number) -> str:
    """1.298, 22,320, 351M: a quantity at four significant digits; the whole one belongs into a title."""
    for size, letter in COIN_MAGNITUDES:
        if size <= _size(value) < MAX_PLAIN_LEVEL:
            return _trimmed(float(value) / size, _decimals(float(value) / size, significant=4)) + letter
    return _trimmed(value, _decimals(value, significant=4))


@_dash_if_unknown
def price(value: Number) -> str:
    """93,204.50, 182.40, 1.0835, 0.00001234: as many decimals as prices of that magnitude are quoted with."""
    size = _size(value)
    if 0 < size < MIN_PLAIN_LEVEL:
        return _trimmed(value, 0)
    if size >= 100 or not size:
        return _fixed(value, 2)
    return _fixed(value, _decimals(value, significant=5 if size >= 1 else 4))


@_dash_if_unknown
def axis(value: Number) -> str:
    """Label of a tick: 11,500, 0.0025, 1.25M, without idle digits."""
    for size, letter in MAGNITUDES:
        if size <= _size(value) < MAX_PLAIN_LEVEL:
            return _trimmed(float(value) / size, 6) + letter
    return quantity(value)


@_dash_if_unknown
def short_amount(value: Number, signed: bool = False, spread: Number | None = None) -> str:
    """30,506, 1.48M, +12k: an amount where there is little room, as exactly as values ``spread`` apart can be told."""
    size = _size(value)
    length, letter = next(((one, sign) for one, sign in (*MAGNITUDES, (1e4, "k")) if size >= one and
                           (one > 1e4 or spread is None)), (1.0, ""))  # fmt: skip
    exactness = float(size if spread is None else spread) / length
    digits = 1 - math.floor(math.log10(exactness)) if exactness else 0
    return _fixed(float(value) / length, min(max(digits, 0), 8), signed) + letter


def direction(value: Number | None) -> str:
    """CSS class of a signed figure: up, dn, or none for zero and unknown."""
    if value is None or not math.isfinite(value) or value == 0:
        return ""
    return "up" if value > 0 else "dn"


NAME_JOINTS = re.compile(r"(?<=[_/:\-])(?=.)")
"""After these a long name may go on in the next line."""


def name_parts(text: str | None) -> list[str]:
    """ml_sentiment as ml_, sentiment."""
    return [DASH] if text is None else NAME_JOINTS.split(text)


def outcome(value: Number | None) -> str:
    """CSS class of a signed figure: gain, loss, or none for zero and unknown."""
    return {"up": "gain", "dn": "loss"}.get(direction(value), "")


@_dash_if_unknown
def age(moment: datetime, now: datetime) -> str:
    """12 s ago, 6 min ago, 3 h ago, 2 d ago; just now below a second, and where a clock runs ahead."""
    seconds = int((now - moment).total_seconds())
    if seconds < 1:
        return "just now"
    for length, unit_ in ((DAY_SECONDS, "d"), (HOUR_SECONDS, "h"), (MINUTE_SECONDS, "min")):
        if seconds >= length:
            return f"{seconds // length:,} {unit_} ago"
    return f"{seconds} s ago"


@_dash_if_unknown
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


@_dash_if_unknown
def utc(moment: datetime) -> str:
    """22 Nov 2026 14:32:07 UTC"""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year} {moment:%H:%M:%S} UTC"


def utc_minute(moment: datetime) -> str:
    """2026-11-22 14:32 UTC, for reasons."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def iso(moment: datetime | None) -> str:
    """2026-11-22T14:32:07+00:00, for machines: empty, not a dash, when unknown."""
    return "" if moment is None else moment.replace(tzinfo=UTC).isoformat()


@_dash_if_unknown
def day(moment: date) -> str:
    """22 Nov"""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


@_dash_if_unknown
def weekday(moment: date) -> str:
    """Mon"""
    return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]


@_dash_if_unknown
def month(moment: date) -> str:
    """Nov 2026"""
    return f"{MONTHS[moment.month - 1]} {moment.year}"


@_dash_if_unknown
def period(first: date, last: date) -> str:
    """3 Mar 2026, or 3 Mar to 9 Mar 2026: the days from ``first`` to ``last``, naive datetimes or dates."""
    begins = "" if (first.year, first.month, first.day) == (last.year, last.month, last.day) else f"{day(first)} "
    if begins and first.year != last.year:
        begins += f"{first.year} "
    return f"{begins and begins + 'to '}{day(last)} {last.year}"


@_dash_if_unknown
def clock(moment: datetime) -> str:
    """14:32"""
    return f"{moment:%H:%M}"


@_dash_if_unknown
def clock_seconds(moment: datetime, now: datetime) -> str:
    """14:32:07 of today, 22 Nov 14:32 of another day."""
    return f"{moment:%H:%M:%S}" if moment.date() == now.date() else f"{day(moment)} {moment:%H:%M}"


def from_epoch(seconds: float) -> datetime:
    """The naive UTC datetime of seconds since 1970, in which charts count."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


@_dash_if_unknown
def time_label(seconds: float, span: float) -> str:
    """Label of a moment on a time axis ``span`` seconds long: 14:30, 22 Nov 12:00, 22 Nov or Nov 2026."""
    moment = from_epoch(seconds)
    if span > LONG_SPAN_SECONDS:
        return month(moment)
    if moment.time() == moment.min.time() or span > SHORT_SPAN_SECONDS:
        return day(moment)
    return clock(moment) if span <= DAY_SECONDS else f"{day(moment)} {clock(moment)}"


FILTERS: dict[str, Callable[..., Any]] = {
    filter_.__name__: filter_
    for filter_ in (
        *(money, amount, short_amount, in_r, percent, ratio, count, quantity, coins, price, direction),
        *(outcome, name_parts, age, duration, utc, iso, day, weekday, month, period, clock, clock_seconds),
        *(from_epoch, time_label),
    )
}


def _fixed(value: Number, decimals: int, signed: bool = False) -> str:
    size = _size(value)
    if size >= MAX_PLAIN_LEVEL:
        return _sign(value, signed) + _scientific(size)
    text = f"{size:,.{decimals}f}"
    return text if not text.strip("0.,") else _sign(value, signed) + text


def _enough(value: Number, decimals: int) -> int:
    """So many decimals, or as many more as a value that is not zero needs to be read as one."""
    return max(decimals, min(12, _decimals(value, significant=1))) if _size(value) * 2 < 10**-decimals else decimals


def _trimmed(value: Number, decimals: int) -> str:
    size = _size(value)
    if size >= MAX_PLAIN_LEVEL or 0 < size < MIN_PLAIN_LEVEL:
        return _sign(value) + _scientific(size)
    text = _fixed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scientific(size: Decimal | float) -> str:
    mantissa, exponent = f"{size:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", MINUS)


def _size(value: Number) -> Decimal | float:
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


def _sign(value: Number, signed: bool = False) -> str:
    return MINUS if value < 0 else "+" if signed else ""


def _decimals(value: Number, significant: int) -> int:
    """Decimals that show so many significant digits."""
    return max(0, significant - 1 - math.floor(math.log10(_size(value)))) if value else 0
