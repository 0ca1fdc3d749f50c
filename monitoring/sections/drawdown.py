"""Drawdown: how far below its peak the account was, over the range."""

from dataclasses import dataclass

import numpy as np

from monitoring.charts import LineChart, line_chart
from monitoring.metrics.facts import Drawdown
from monitoring.sections.curves import drawdown_points
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class DrawdownView:
    """``deepest`` is of the range shown, ``drawdown`` of the whole history.

    ``counting`` is the share read of a long history of which so far only closes are known, None once every row is.
    """

    chart: LineChart | None
    deepest: float | None
    drawdown: Drawdown | None
    counting: float | None


async def load(context: Context) -> DrawdownView:
    history, since = context.state.history, context.scope.since(context.now)
    points = drawdown_points(history.curve(since), history.depth(since))
    known = points[np.isfinite(points[:, 1]), 1]
    return DrawdownView(
        line_chart(points, hanging=True),
        float(known.min()) if known.size else None,
        context.facts.drawdown,
        counting=context.state.counting,
    )


SECTION = Section(
    "drawdown",
    "Drawdown",
    load,
    needs=("account_history",),
    ticks=60.0,
)
