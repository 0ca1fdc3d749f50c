"""How far along the curve the account was below its peak."""

import numpy as np

from monitoring.ledger.days import DROP, INDEX, INDEX_HIGH, INDEX_LOW
from monitoring.metrics.facts import Series

DEPTHS = 2
DEEPEST, AT_CLOSE = range(DEPTHS)
"""Columns: percent below the running peak, at the deepest within each step and at its close; flows taken out."""


def depth_of(steps: Series, peak: float) -> Series:
    """Of steps that begin at midnight, where the peak of all before was ``peak`` (0: none); (steps, DEPTHS).

    Exact: the deepest of a step is either below the peak of all before, or a decline within its day, which was measured
    row by row.
    """
    if not len(steps):
        return np.empty((0, DEPTHS))
    peaks = np.fmax(np.fmax.accumulate(steps[:, INDEX_HIGH]), peak)
    before = np.append(peak, peaks[:-1])
    deepest = np.fmax(_lost(steps[:, INDEX_LOW], before), steps[:, DROP])
    return np.column_stack((deepest, _lost(steps[:, INDEX], peaks))) * 100


def _lost(value: Series, peak: Series) -> Series:
    """The share of ``peak`` that is gone, 0 to 1; 0 where there is no peak yet."""
    kept = np.divide(np.maximum(value, 0.0), peak, out=np.ones_like(value), where=peak > 0)
    return np.maximum(1.0 - kept, 0.0)
