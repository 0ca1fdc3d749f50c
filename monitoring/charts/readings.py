"""Which values of a chart a reader can ask for: one for each of some slices of equal width."""

from dataclasses import dataclass

import numpy as np

from monitoring.charts.paths import Floats
from monitoring.charts.scales import Scale

MAX_READINGS = 60
"""A finger can tell as many apart."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A moment and its value, None where it is unknown; ``x`` and ``y`` are percent of the slice and of the plot."""

    at: float
    value: float | None
    x: float
    y: float | None


def readings_of_slices(x: Floats, y: Floats, down: Scale) -> tuple[Reading, ...]:
    """For each slice the known point nearest to its middle, at its own time; else the middle, and no value."""
    start, width = float(x[0]), float(x[-1] - x[0])
    count = slice_count(x)
    part = width / count
    slices = np.minimum((x - start) / part, count - 1).astype(np.intp) if part > 0 else np.zeros(len(x), np.intp)
    middles = start + (np.arange(count) + 0.5) * part
    found = [Reading(float(at), None, 50.0, None) for at in middles]
    known = np.flatnonzero(~np.isnan(y))
    # The nearest of each slice comes first; a later one of the same slice is left out.
    nearest_first = known[np.lexsort((np.abs(x[known] - middles[slices[known]]), slices[known]))]
    for place in nearest_first[np.diff(slices[nearest_first], prepend=-1) != 0]:
        number, at, value = int(slices[place]), float(x[place]), float(y[place])
        left = (at - start - number * part) / part * 100 if part > 0 else 50.0
        found[number] = Reading(at, value, round(left, 1), round(down(value), 2))
    return tuple(found)


def slice_count(x: Floats) -> int:
    """As many as the points' usual distance asks for, at most MAX_READINGS."""
    width = float(x[-1] - x[0])
    distance = float(np.median(np.diff(x))) if len(x) > 1 else width
    if distance > 0:
        return max(1, min(MAX_READINGS, round(width / distance) + 1))
    return 1 if width <= 0 else MAX_READINGS
