"""Drawdown: how far below its peak the account was, over the range."""

from dataclasses import dataclass

from monitoring.charts import LineChart, line_chart
from monitoring.ledger.flows import epoch
from monitoring.metrics.facts import Drawdown
from monitoring.sections.curves import BEGINNING, drawdown_points
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class DrawdownView:
    """``deepest`` is of the range shown, ``drawdown`` of the whole history."""

    chart: LineChart | None
    deepest: float | None
    drawdown: Drawdown | None


async def load(context: Context) -> DrawdownView:
    initial = context.scope.session.initial_balance
    points = drawdown_points(context.ledger.history.curve(BEGINNING), None if initial is None else float(initial))
    points = points[points[:, 0] >= epoch(context.scope.since(context.now))]
    chart = line_chart(points, high=0.0, base=0.0, ticks=3)
    return DrawdownView(chart, chart.low[1] if chart else None, context.facts.drawdown)


SECTION = Section(
    "drawdown",
    "Drawdown",
    {"account_history", "account_balances", "trading_sessions"},
    load,
    needs=("account_history",),
    ticks=60.0,
)
