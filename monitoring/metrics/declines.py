"""The deepest declines from a peak, each from the peak to where it was reached again."""

from dataclasses import dataclass

import numpy as np

from monitoring.metrics.facts import Series

MIN_DEPTH_PERCENT = 0.005
"""A smaller one reads 0.00."""


@dataclass(frozen=True, slots=True)
class Decline:
    """Times are epoch seconds."""

    depth: float
    """Percent below the peak."""
    peak_at: float | None
    """The last moment at the peak; None where that is the initial balance."""
    valley_at: float
    recovered_at: float | None
    """None while it lasts."""


def worst_declines(times: Series, prices: Series, depths: Series, base: float | None, count: int) -> list[Decline]:
    """At most ``count``, the deepest first, of points in order of time, shape (n,) each.

    ``prices`` are of one unit, flows taken out, NaN where they are unknown; ``depths`` percent below the running peak;
    ``base`` is the price before the first point.
    """
    known = np.isfinite(prices)
    times, prices, depths = times[known], prices[known], depths[known]
    runs = _below_peak(prices, base)
    if not len(runs):
        return []
    deepest = np.fmax.reduceat(np.append(depths, 0.0), runs.ravel())[::2]
    order = np.argsort(-deepest, kind="stable")[:count]
    found = (_decline(times, depths, *runs[place]) for place in order)
    return [one for one in found if one.depth >= MIN_DEPTH_PERCENT]


def share_below_peak(times: Series, prices: Series, base: float | None) -> float | None:
    """Percent of the time between a peak and where it was reached again; None where no time has passed."""
    known = np.isfinite(prices)
    times, prices = times[known], prices[known]
    if len(times) < 2 or times[-1] <= times[0]:
        return None
    runs = _below_peak(prices, base)
    ends = times[np.minimum(runs, len(times) - 1)]
    left = times[np.maximum(runs[:, 0] - 1, 0)]
    return float((ends[:, 1] - left).sum() / (times[-1] - times[0]) * 100)


def _below_peak(prices: Series, base: float | None) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """(first, one behind the last) place of each run of points below the running peak, shape (runs, 2)."""
    peaks = np.maximum.accumulate(np.append(-np.inf if base is None else base, prices))[1:]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], prices < peaks, [False]))))
    return edges.reshape(-1, 2)


def _decline(times: Series, depths: Series, start: int, end: int) -> Decline:
    valley = start + int(np.nanargmax(depths[start:end]))
    return Decline(
        float(depths[valley]),
        float(times[start - 1]) if start else None,
        float(times[valley]),
        float(times[end]) if end < len(times) else None,
    )
