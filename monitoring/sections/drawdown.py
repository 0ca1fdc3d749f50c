"""Drawdown: how far below its peak the account was, over the range."""

from dataclasses import dataclass

import numpy as np

from monitoring.charts import LineChart, line_chart
from monitoring.projections.bookings import NEEDS as FLOWS_NEED
from monitoring.sections import ranges
from monitoring.sections.curves import drawdown_points
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class DrawdownView:
    """``deepest`` is of the range shown."""

    unknown: str | None
    """Why nothing is known yet, where that is so."""
    chart: LineChart | None
    deepest: float | None


async def load(context: Context) -> DrawdownView:
    context.capabilities.require_columns("account_balances", *FLOWS_NEED)
    history, since = context.state.history.snapshots, ranges.since(context)
    points = drawdown_points(history.curve(since))
    known = points[np.isfinite(points[:, 1]), 1]
    return DrawdownView(
        None if history.flows_known else context.facts.no_history,
        line_chart(points, hanging=True),
        float(known.min()) if known.size else None,
    )


SECTION = Section(
    "drawdown",
    "Drawdown",
    load,
    needs=("account_history", "account_balances"),
    ticks=60.0,
)
