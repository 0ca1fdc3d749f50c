"""Naive UTC moments as seconds since 1970, days as moments."""

from datetime import date, datetime, timedelta

import numpy as np

from monitoring.metrics.facts import Series

EPOCH = datetime(1970, 1, 1)
BEGIN_OF_TIME, END_OF_TIME = datetime.min, datetime.max  # noqa: DTZ901 - naive UTC, as all times here
"""What PostgreSQL's infinite timestamps are read as, and written from."""
MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Naive UTC as microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def epoch(moment: datetime) -> float:
    """Naive UTC as seconds since 1970."""
    return (moment - EPOCH).total_seconds()


def from_epoch(seconds: float) -> datetime:
    """Seconds since 1970 as naive UTC, as far as there is time: the last moment of all is rounded up as a float."""
    return shifted(EPOCH, timedelta(seconds=float(seconds)))


def midnight(day: date) -> datetime:
    """When ``day``, or the day of a moment, begins (UTC)."""
    return datetime(day.year, day.month, day.day)


def next_midnight(day: date) -> datetime:
    """When the day after it begins (UTC)."""
    return shifted(midnight(day), timedelta(days=1))


def shifted(moment: datetime, by: timedelta) -> datetime:
    """``moment + by``, as far as there is time: people write an end of 9999-12-31 where they mean none."""
    try:
        return moment + by
    except OverflowError:
        return END_OF_TIME if by > timedelta(0) else BEGIN_OF_TIME


def sum_until(times: Series, moments: Series, amounts: Series) -> Series:
    """Of amounts at moments the sum at each of the times, in the shape of these; what is NaN counts as nothing."""
    order = np.argsort(moments, kind="stable")
    sums = np.concatenate([[0.0], np.nancumsum(amounts[order])])
    found: Series = sums[np.searchsorted(moments[order], times, side="right")]
    return found
