"""The one clock: naive UTC, as the engine writes its timestamps."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
