"""The strip of the last day: when the engine gave signs of life. Times are epoch seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitoring.metrics.rhythm import OFFLINE_FACTOR

CELL_COUNT = 48
ALIVE, LATE, OFFLINE, BEFORE = "on", "slow", "gone", "before"


@dataclass(frozen=True, slots=True)
class Life:
    """A span of time in cells of equal length, oldest first: each is what the engine was at its worst."""

    cells: tuple[str, ...]
    alive_seconds: float
    """For how long its last sign of life was within the limit."""


def life(signs: Sequence[float], start: float, end: float, began: float, limit_seconds: float) -> Life:
    """``signs``: the times of its rows, oldest first, from the limit before ``start`` on; ``began``: of the bot."""
    known = [sign for sign in signs if sign <= end]
    silences = [(earlier, later) for earlier, later in pairwise([*known, end]) if later - earlier > limit_seconds]
    first = known[0] if known else end
    if first > max(start, began) + limit_seconds:
        silences.insert(0, (max(start, began) - limit_seconds, first))
    width = (end - start) / CELL_COUNT
    edges = [(start + number * width, start + (number + 1) * width) for number in range(CELL_COUNT)]
    cells = tuple(_worst(silences, left, right, began, limit_seconds) for left, right in edges)
    silent = sum(_overlap(a + limit_seconds, b, max(start, began), end) for a, b in silences)
    return Life(cells, max(0.0, end - max(start, began) - silent))


def _worst(silences: Sequence[tuple[float, float]], left: float, right: float, began: float, limit: float) -> str:
    if right <= began:
        return BEFORE
    left = max(left, began)
    if any(_overlap(a + OFFLINE_FACTOR * limit, b, left, right) for a, b in silences):
        return OFFLINE
    return LATE if any(_overlap(a + limit, b, left, right) for a, b in silences) else ALIVE


def _overlap(a: float, b: float, left: float, right: float) -> float:
    return max(0.0, min(b, right) - max(a, left))
