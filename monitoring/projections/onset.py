"""Since which snapshot the drawdown has been as deep as a limit: the steps of the curve say where to look for it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monitoring.projections.days import STEP_SECONDS
from monitoring.projections.snapshots import SnapshotReader
from monitoring.projections.timeline import Timeline, lost
from monitoring.projections.times import MICROSECOND, from_epoch, shifted
from monitoring.projections.unit_price import FlowFactors


class Stretch(NamedTuple):
    """Where the snapshot is, epoch seconds, both ends included; and the peak of the unit price before."""

    start: float
    end: float
    peak: float


def stretch_of(timeline: Timeline, percent: float) -> Stretch:
    """From the last step with a snapshot that was less deep to the one behind it."""
    times, prices = timeline.prices()
    peaks = np.fmax.accumulate(np.append(timeline.base or 0.0, prices))
    above = np.flatnonzero(~(lost(prices, peaks[1:]) * 100 >= percent))
    place = int(above[-1]) if len(above) else 0
    start = float(times[place] // STEP_SECONDS * STEP_SECONDS)
    first, behind = np.searchsorted(times, (start, start + STEP_SECONDS)).tolist()
    end = times[min(behind, len(times) - 1)] if len(above) else times[0]
    return Stretch(start, float(end), float(peaks[first]))


async def first_snapshot(
    reader: SnapshotReader, sessions: Sequence[int], stretch: Stretch, factors: FlowFactors, percent: float
) -> float:
    """Epoch seconds of the first snapshot since which none was less deep; NaN where none is left."""
    until = shifted(from_epoch(stretch.end), MICROSECOND)
    rows = await reader.between(sessions, from_epoch(stretch.start), until)
    rows = rows.where(np.isfinite(rows.equity))
    factor, held = factors.at(rows.times, rows.ids)
    prices = np.divide(rows.equity, factor, out=held, where=factor > 0)
    peaks = np.fmax.accumulate(np.append(stretch.peak, prices))[1:]
    above = np.flatnonzero(~(lost(prices, peaks) * 100 >= percent))
    deep = rows.times[above[-1] + 1 :] if len(above) else rows.times
    return float(deep[0]) if len(deep) else np.nan
