"""Exposure over time: the value of the open positions at their entries, as the engine wrote it with each snapshot."""

from dataclasses import dataclass

from monitoring.charts.plot import LinePlot, line_plot
from monitoring.metrics.facts import Series
from monitoring.sections import ranges
from monitoring.sections.curves import exposure_points
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class ExposureView:
    """``chart`` is None where the range holds no exposure."""

    chart: LinePlot | None


async def load(context: Context) -> ExposureView:
    return ExposureView(line_plot(exposure_points(exposure_curve(context)), zero="bottom"))


def exposure_curve(context: Context) -> Series:
    """Rows of the range (see ``timeline``), the most exposed snapshot of each ten minutes among them.

    Raises TableMissing where the engine does not write it.
    """
    context.capabilities.require_columns("account_history", "session_id", "timestamp", "total_exposure")
    return context.state.history.snapshots.curve(ranges.since(context))


SECTION = Section("exposure", "Exposure over time", load, needs=("account_history",), ticks=60.0)
