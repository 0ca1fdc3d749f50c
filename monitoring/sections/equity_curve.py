"""Equity Curve: equity over the range up to its newest snapshot. A price alone adds no point."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.charts import LineChart, line_chart
from monitoring.metrics.money import Flow
from monitoring.projections.times import epoch, from_epoch
from monitoring.scope import RANGES
from monitoring.sections import ranges
from monitoring.sections.curves import equity_points
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class EquityCurveView:
    """``chart`` is None where the range holds no snapshot.

    ``counting`` is the share read of a long history of which so far only closes are known, None once every row is.
    """

    currency: str | None
    chart: LineChart | None
    flows: tuple[Flow, ...]
    counting: float | None
    last_at: datetime | None
    """Of the newest snapshot, in whatever range."""
    wider: str
    """The shortest range in which that lies."""


async def load(context: Context) -> EquityCurveView:
    since, last = ranges.since(context), context.state.history.last_snapshot
    last_at = from_epoch(last.at) if last else None
    flows = tuple(flow for flow in context.state.flows if flow.at >= since)
    points = equity_points(context.state.history.snapshots.curve(since))
    chart = line_chart(points, markers=[epoch(flow.at) for flow in flows])
    return EquityCurveView(
        context.facts.account.currency, chart, flows, context.state.counting, last_at, _wider(context, last_at)
    )


def _wider(context: Context, at: datetime | None) -> str:
    lengths = ((name, length) for name, length in RANGES.items() if length and at and context.now - at <= length)
    return next((name for name, _ in lengths), "all")


SECTION = Section("equity_curve", "Equity Curve", load, needs=("account_history",), ticks=60.0)
