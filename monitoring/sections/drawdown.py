"""Drawdown: how far below its peak the account was, over the range."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.charts import LineChart, line_chart
from monitoring.ledger.flows import epoch
from monitoring.metrics.facts import Drawdown
from monitoring.scope import RANGES
from monitoring.sections.curves import drawdown_points
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class DrawdownView:
    """``deepest`` is of the range shown, ``drawdown`` of the whole history."""

    chart: LineChart | None
    deepest: float | None
    drawdown: Drawdown | None


async def load(context: Context) -> DrawdownView:
    steps = context.ledger.history.curve(datetime(1970, 1, 1))
    initial = context.scope.session.initial_balance
    points = drawdown_points(steps, None if initial is None else float(initial)) if len(steps) else []
    if RANGES[context.scope.range] is not None:
        since = epoch(context.scope.since(context.now))
        points = [point for point in points if point[0] >= since]
    known = [value for _, value in points if value is not None]
    return DrawdownView(
        line_chart(points, high=0.0, base=0.0, ticks=3),
        min(known, default=None),
        context.facts.drawdown,
    )


SECTION = Section(
    "drawdown",
    "Drawdown",
    {"account_history", "account_balances", "trading_sessions"},
    load,
    needs=("account_history",),
    ticks=60.0,
)
