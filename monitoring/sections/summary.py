"""Summary: the handful of figures that answer an operator's questions at one glance."""

from dataclasses import dataclass
from datetime import date

from monitoring.metrics.facts import Drawdown, TradeSums
from monitoring.sections.metric_list import Figures
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class SummaryView:
    figures: Figures
    """Of which the partial takes a handful."""
    trades: TradeSums | None
    drawdown: Drawdown | None
    since: date | None
    """Day of the first close, from which the total return is counted."""


async def load(context: Context) -> SummaryView:
    facts = context.facts
    since = facts.daily.dates[0] if facts.daily else None
    return SummaryView(context.figures, facts.trades, facts.drawdown, since)


SECTION = Section(
    "summary",
    "Summary",
    load,
    ticks=60.0,
)
