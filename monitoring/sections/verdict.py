"""Verdict: the whole history in one sentence, and its curve without deposits, with the deepest drawdowns."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.charts.plot import LinePlot, line_plot
from monitoring.metrics.declines import Decline, worst_declines
from monitoring.metrics.facts import Series
from monitoring.projections.bookings import NEEDS as FLOWS_NEED
from monitoring.projections.timeline import DEPTH, INDEX, TIME
from monitoring.projections.times import BEGIN_OF_TIME
from monitoring.scope import RANGES
from monitoring.sections import ranges
from monitoring.sections.curves import drawdown_points, growth_points
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import BadParameter, Context, Section

WHOLE = "all"
MAX_DECLINES = 5
NUMBER_PERCENT = 6.0
"""Of a phone's chart that the number of a drawdown takes."""


@dataclass(frozen=True, slots=True)
class Period:
    """Where a drawdown lies in the chart, in percent of it; ``number`` is its place among the deepest, from 1."""

    number: int
    x: float
    width: float
    is_named: bool
    """Whether its number has room beside those of deeper ones."""

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True, slots=True)
class VerdictView:
    """Charts are None where the span holds no equity."""

    span: str
    """Which of the ranges the charts show, whatever the scope's is: at first the whole history."""
    total_return: Figure
    max_drawdown: Figure
    cost_share: Figure
    days: int
    """Since the first session began."""
    growth: LinePlot | None
    decline: LinePlot | None
    periods: tuple[Period, ...]
    unknown: str | None
    """Why there is no curve without deposits, where that is so."""


async def load(context: Context) -> VerdictView:
    context.capabilities.require_columns("account_balances", *FLOWS_NEED)
    history, figures = context.state.history, context.figures
    span = _span(context.arguments.get("span", WHOLE))
    curve = history.curve(ranges.since(context, span))
    growth = line_plot(growth_points(curve)) if history.flows_known else None
    return VerdictView(
        span=span,
        total_return=figures["total_return"],
        max_drawdown=figures["max_drawdown"],
        cost_share=figures["cost_share"],
        days=(ranges.until(context) - context.state.session.start).days,
        growth=growth,
        decline=line_plot(drawdown_points(curve), zero="top") if growth else None,
        periods=_periods(growth, declines_of(context)) if growth else (),
        unknown=None if history.flows_known else context.facts.no_history,
    )


def _span(text: str) -> str:
    if text not in RANGES:
        raise BadParameter(f"span={text[:20]}: expected one of {', '.join(RANGES)}")
    return text


def declines_of(context: Context) -> list[Decline]:
    """The deepest of the whole history, the deepest first; none where deposits cannot be distinguished from profit."""
    if not context.state.history.flows_known:
        return []
    curve, initial = whole_curve(context), context.state.session.initial_balance
    base = None if initial is None or initial <= 0 else float(initial)
    return worst_declines(curve[:, TIME], curve[:, INDEX], curve[:, DEPTH], base, MAX_DECLINES)


def whole_curve(context: Context) -> Series:
    """Of the whole history."""
    return context.state.history.curve(BEGIN_OF_TIME)


def _periods(chart: LinePlot, declines: Sequence[Decline]) -> tuple[Period, ...]:
    """Those that lie in the chart, as far as they do."""
    found = list[Period]()
    for number, one in enumerate(declines, 1):
        begins, ends = one.peak_at or chart.start, one.recovered_at or chart.end
        x, end = chart.x(max(begins, chart.start)), chart.x(min(ends, chart.end))
        if x is not None and end is not None and end > x:
            middle = (x + end) / 2
            has_room = all(abs(middle - other.middle) >= NUMBER_PERCENT for other in found if other.is_named)
            found.append(Period(number, x, round(end - x, 2), has_room))
    return tuple(found)


SECTION = Section(
    "verdict",
    "In one sentence",
    load,
    needs=("account_history", "account_balances"),
    ticks=60.0,
    calm=True,
    parameters=("span",),
)
