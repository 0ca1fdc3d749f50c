"""Series to SVG path strings: gaps kept, extremes kept, as many points as there are pixels to show them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Points = Sequence[tuple[float, float | None]] | npt.NDArray[np.float64]
"""(x, value or None)."""
Run = list[tuple[float, float]]
"""Neighbouring known points, in units of the viewBox."""


def series(points: Points) -> tuple[Floats, Floats]:
    """x and y, shape (n,) each; y is NaN where it is unknown or infinite. Raises ValueError on an x out of order."""
    table = points if isinstance(points, np.ndarray) else np.array(points, dtype=np.float64)
    x, y = table.reshape(-1, 2).T.copy()
    if not (np.isfinite(x).all() and (np.diff(x) >= 0).all()):
        raise ValueError("x of a chart's points: expected finite and ascending numbers")
    y[np.isinf(y)] = np.nan
    return x, y


def decimated(x: Floats, y: Floats, start: float, end: float, buckets: int) -> Positions:
    """Positions of the known points to draw: all of few, else the lowest and highest of each bucket in x.

    The first and the last known point are always among them. Ascending, at most 2 x buckets + 2.
    """
    known = np.flatnonzero(~np.isnan(y))
    if len(known) <= 2 * buckets or end <= start:
        return known
    bucket = np.minimum((x[known] - start) / (end - start) * buckets, buckets - 1).astype(np.intp)
    order = known[np.lexsort((y[known], bucket))]
    border = np.flatnonzero(np.diff(bucket, prepend=-1))
    lowest, highest = order[border], order[np.append(border[1:], len(order)) - 1]
    return np.unique(np.concatenate((known[:1], lowest, highest, known[-1:])))


def runs(x: Floats, y: Floats, kept: Positions) -> list[Run]:
    """The kept points, cut wherever an unknown value (NaN in y) lies between two of them."""
    unknown_before = np.cumsum(np.isnan(y))[kept]
    cuts = np.flatnonzero(np.diff(unknown_before)) + 1
    return [list(zip(x[part].tolist(), y[part].tolist(), strict=True)) for part in np.split(kept, cuts) if len(part)]


def line(run: Run) -> str:
    """A path through the run. A single point is a stroke of next to no length, whose round ends make a dot."""
    return f"M{_through(run)}" + ("h.1" if len(run) == 1 else "")


def area(run: Run, floor: float) -> str:
    """The closed path between the run and ``floor``."""
    return f"M{number(run[0][0])} {number(floor)}L{_through(run)}V{number(floor)}Z"


def number(value: float) -> str:
    """At most one decimal, which is a tenth of a pixel or so; never an exponent or a negative zero."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _through(run: Run) -> str:
    return "L".join(f"{number(x)} {number(y)}" for x, y in run)
