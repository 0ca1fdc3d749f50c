"""Naive UTC moments as seconds since 1970, days as moments."""

from datetime import date, datetime, timedelta

EPOCH = datetime(1970, 1, 1)
END_OF_TIME = datetime(9999, 12, 31)


def epoch(moment: datetime) -> float:
    """Naive UTC as seconds since 1970."""
    return (moment - EPOCH).total_seconds()


def from_epoch(seconds: float) -> datetime:
    """Seconds since 1970 as naive UTC."""
    return EPOCH + timedelta(seconds=float(seconds))


def midnight(day: date) -> datetime:
    """When ``day``, or the day of a moment, begins (UTC)."""
    return datetime(day.year, day.month, day.day)


def next_midnight(day: date) -> datetime:
    """When the day after it begins (UTC)."""
    return midnight(day) + timedelta(days=1)
