"""How often an engine writes, and how old its last sign of life may therefore be. Times are epoch seconds."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

MIN_BEAT_SECONDS = 30.0
"""A bot of six markets writes six rows at once: whatever follows a beat sooner is part of it."""
MAX_BEATS = 30
MIN_GAPS = 10
"""Fewer tell no rhythm."""
REGULAR_SHARE = 0.8
"""So many of the gaps are at most twice the median, where somebody writes regularly."""

MIN_LIMIT_SECONDS = 300.0
MISSED_BEATS = 3
"""Beats that may be missed, as long as that takes no more than ..."""
MAX_MISSED_SECONDS = 1800.0
SPARE_FACTOR = 1.25
"""A slow beat may be late by a quarter of itself."""

OFFLINE_FACTOR = 2
"""An engine is late once its last sign of life is older than the limit, and offline after so many limits."""
MAX_SILENCE = timedelta(days=7)
"""A session without an end whose last sign is older than this counts as ended."""

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "M": 30 * 86400}
DEFAULT_TIMEFRAME_SECONDS = 3600.0
"""The engine's own default, where a session names none that can be read."""


def counts_as_ended(last_sign: datetime, now: datetime) -> bool:
    """Whether a session without an end has been silent for so long that it is over."""
    return now - last_sign > MAX_SILENCE


def limit_seconds(sources: Iterable[Sequence[float]], timeframe: str) -> float:
    """How old the last sign of life may be before the engine is late.

    ``sources``: for each table that the engine writes regularly the times of its rows, oldest first.
    """
    regular = [rhythm for times in sources if (rhythm := rhythm_seconds(beats(times))) is not None]
    if not regular:
        return max(MIN_LIMIT_SECONDS, SPARE_FACTOR * timeframe_seconds(timeframe))
    fastest = min(regular)
    return max(MIN_LIMIT_SECONDS, min(MAX_MISSED_SECONDS, MISSED_BEATS * fastest), SPARE_FACTOR * fastest)


def beats(times: Iterable[float]) -> list[float]:
    """The newest of the times, without those that follow so closely that they belong to the one before."""
    found: list[float] = []
    for time in times:
        if not found or time - found[-1] >= MIN_BEAT_SECONDS:
            found.append(time)
    return found[-MAX_BEATS:]


def rhythm_seconds(beats: Sequence[float]) -> float | None:
    """The median gap; None where the gaps are too few, or too different."""
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    if len(gaps) < MIN_GAPS:
        return None
    middle = median(gaps)
    usual = sum(gap <= 2 * middle for gap in gaps)
    return middle if usual >= REGULAR_SHARE * len(gaps) else None


def timeframe_seconds(timeframe: str) -> float:
    """``15m`` or ``1h`` in seconds; ``1M`` is a month."""
    found = re.fullmatch(r"(\d+)\s*([smhdwMSHDW])[a-z]*", timeframe.strip())
    unit = found[2] if found and found[2] == "M" else found[2].lower() if found else ""
    seconds = int(found[1]) * UNIT_SECONDS[unit] if found else 0
    return float(seconds) or DEFAULT_TIMEFRAME_SECONDS
