"""Summary: the handful of figures that answer an operator's questions at one glance."""

from dataclasses import dataclass
from datetime import date

from monitoring.metrics.facts import Drawdown, TradeSums
from monitoring.sections.metric_list import Figures, figures
from monitoring.sections.section import Context, Section

KEYS = (
    "unrealized_pnl",
    "daily_pnl",
    "total_return",
    "max_drawdown",
    "win_rate",
    "total_trades",
    "profit_factor",
    "sharpe_ratio",
    "active_positions_count",
)


@dataclass(frozen=True, slots=True)
class SummaryView:
    figures: Figures
    trades: TradeSums | None
    drawdown: Drawdown | None
    since: date | None
    """Day of the first close, from which the total return is counted."""


async def load(context: Context) -> SummaryView:
    facts = context.facts
    return SummaryView(
        figures(facts, KEYS), facts.trades, facts.drawdown, facts.daily.dates[0] if facts.daily else None
    )


SECTION = Section(
    "summary",
    "Summary",
    {"trades", "positions", "account_history", "account_balances", "trading_sessions"},
    load,
    ticks=60.0,
)
