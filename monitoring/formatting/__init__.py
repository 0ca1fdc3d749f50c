"""Jinja filters: numbers and times as the reader sees them.

Groups of three by commas, U+2212 for minus, a narrow no-break space before the percent sign, + and − on signed
figures. Unknown (None, NaN, infinite) is a dash: the template says why. Zero is a number like any other, and never
negative. Numbers may be Decimal, float or int; datetimes are naive UTC.
"""

from collections.abc import Callable
from typing import Any

from monitoring.formatting.lists import few
from monitoring.formatting.numbers import (
    Number,
    amount,
    amount_in,
    axis,
    coins,
    count,
    direction,
    in_r,
    name_parts,
    outcome,
    percent,
    plain,
    price,
    quantity,
    ratio,
    short_amount,
    slippage,
)
from monitoring.formatting.times import (
    age,
    clock,
    clock_seconds,
    day,
    duration,
    from_epoch,
    iso,
    local,
    month,
    period,
    stamp,
    time_label,
    utc,
    utc_days,
    utc_minute,
    weekday,
)
from monitoring.formatting.unknown import DASH, MINUS, NARROW_SPACE, masked

FILTERS: dict[str, Callable[..., Any]] = {
    filter_.__name__: filter_
    for filter_ in (
        *(
            amount,
            in_r,
            percent,
            ratio,
            short_amount,
            slippage,
            count,
            quantity,
            plain,
            coins,
            amount_in,
            price,
            axis,
            outcome,
            name_parts,
            masked,
        ),
        *(
            age,
            duration,
            utc,
            local,
            stamp,
            iso,
            day,
            weekday,
            month,
            period,
            clock,
            clock_seconds,
            from_epoch,
            time_label,
        ),
    )
}

__all__ = [
    "DASH",
    "FILTERS",
    "MINUS",
    "NARROW_SPACE",
    "Number",
    "age",
    "amount",
    "amount_in",
    "axis",
    "clock",
    "clock_seconds",
    "coins",
    "count",
    "day",
    "direction",
    "duration",
    "few",
    "from_epoch",
    "in_r",
    "iso",
    "local",
    "masked",
    "month",
    "name_parts",
    "outcome",
    "percent",
    "period",
    "plain",
    "price",
    "quantity",
    "ratio",
    "short_amount",
    "slippage",
    "stamp",
    "time_label",
    "utc",
    "utc_days",
    "utc_minute",
    "weekday",
]
