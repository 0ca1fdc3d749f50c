"""Exposure over time: the value of the open positions at their entries, as the engine wrote it with each snapshot."""

from dataclasses import dataclass

import numpy as np

from monitoring.charts.plot import LinePlot, line_plot
from monitoring.metrics.facts import Series
from monitoring.projections.timeline import EQUITY, TIME
from monitoring.projections.times import epoch, from_epoch
from monitoring.sections import ranges
from monitoring.sections.curves import exposure_points
from monitoring.sections.section import Context, Section

MAX_ROWS = 2000
"""Of a longer curve every second, third, … snapshot is read."""
# By the index on time: a condition on all times at once would have the whole table read.
BY_TIME = """
SELECT wanted.at AS timestamp, found.exposure FROM unnest($2::timestamp[]) AS wanted (at), LATERAL (
    SELECT max(total_exposure)::float8 AS exposure FROM account_history h
    WHERE h.timestamp = wanted.at AND h.session_id = ANY($1::bigint[])
) found WHERE found.exposure IS NOT NULL
"""
"""A booking of the same instant says 0."""


@dataclass(frozen=True, slots=True)
class ExposureView:
    """``chart`` is None where the range holds no exposure."""

    chart: LinePlot | None


async def load(context: Context) -> ExposureView:
    return ExposureView(line_plot(exposure_points(await read_exposure(context)), zero="bottom"))


async def read_exposure(context: Context) -> Series:
    """(epoch seconds, percent of the equity) of the snapshots of the range, shape (rows, 2); NaN where unknown.

    Raises TableMissing where the engine does not write it.
    """
    context.capabilities.require_columns("account_history", "session_id", "timestamp", "total_exposure")
    curve = context.state.history.snapshots.curve(ranges.since(context))
    rows = curve[:: -(-len(curve) // MAX_ROWS) or 1]
    times = [from_epoch(at) for at in rows[:, TIME]]
    found = await context.connection.fetch(BY_TIME, list(context.state.session.ids), times)
    exposure = {epoch(row["timestamp"]): row["exposure"] for row in found}
    values = np.array([exposure.get(epoch(at), np.nan) for at in times], dtype=np.float64)
    equity = np.where(rows[:, EQUITY] > 0, rows[:, EQUITY], np.nan)
    with np.errstate(over="ignore"):  # what no number can hold is unknown
        return np.column_stack((rows[:, TIME], values / equity * 100))


SECTION = Section("exposure", "Exposure over time", load, needs=("account_history",), ticks=60.0)
