"""Performance: what trading has earned, and how evenly."""

from dataclasses import dataclass

from monitoring.metrics.facts import TradeSums
from monitoring.sections.metric_list import Figures, figures
from monitoring.sections.section import Context, Section

KEYS = (
    "total_return",
    "total_pnl",
    "win_rate",
    "profit_factor",
    "sharpe_ratio",
    "total_trades",
    "sortino_ratio",
    "calmar_ratio",
    "cagr",
    "expectancy",
    "avg_win_loss_ratio",
    "winning_trades",
    "losing_trades",
    "breakeven_trades",
    "daily_pnl",
    "weekly_pnl",
    "recent_trade_outcomes",
)


@dataclass(frozen=True, slots=True)
class PerformanceView:
    figures: Figures
    trades: TradeSums | None


async def load(context: Context) -> PerformanceView:
    return PerformanceView(figures(context.facts, KEYS), context.facts.trades)


SECTION = Section(
    "performance",
    "Performance",
    {"trades", "account_history", "account_balances", "trading_sessions"},
    load,
    ticks=60.0,
)
