"""Every metric of the dashboard, and the evaluation of all of them from one set of facts."""

from collections.abc import Iterable

from monitoring.metrics import account, execution, health, performance, returns, trades
from monitoring.metrics.facts import Facts
from monitoring.metrics.metric import Evaluation, Metric
from monitoring.metrics.performance import of_returns, of_trades
from monitoring.metrics.value import Unknown, Value, finite

__all__ = ["BY_KEY", "CATALOGUE", "Evaluation", "Metric", "evaluate"]

_NOT_RECORDED = "nowhere in the database"
_SIGNS = "newest row that only a living engine writes"
_EVENTS = "system_events of severity error or critical, or of type ERROR"
_SNAPSHOT = "newest real snapshot in account_history"
_PEAK = "real snapshots in account_history, deposits and withdrawals taken out; first peak: the initial balance"
_DAILY = "last equity of each UTC day in account_history, deposits and withdrawals taken out"
_TRADES = "trades: pnl − commission − margin_interest_cost"
_POSITIONS = "positions that are open"
_ADJUSTMENT = "newest adjustment of position_size_factor in risk_adjustments that is in force"
_ORDERS = "orders of the last 24 hours"
_LOGGED = "newest strategy_executions.indicators"

# One metric, three lines: as a table it can be read.
# fmt: off
CATALOGUE: tuple[Metric, ...] = (
    Metric("data_feed_status", "Data feed", "status", "health",
           "Active while the engine writes as often as it used to, then Delayed, then Stale",
           _SIGNS, "high", health.data_feed_status),
    Metric("last_data_update", "Last sign of life", "datetime", "health",
           "When the engine last wrote anything",
           _SIGNS, "high", health.last_data_update),
    Metric("error_count", "Errors, 24 h", "count", "health",
           "Errors of the last 24 hours",
           _EVENTS, "high", health.error_count),
    Metric("errors_last_hour", "Errors, last hour", "count", "health",
           "Errors of the last hour",
           _EVENTS, "high", health.errors_last_hour),
    Metric("error_rate_hourly", "Error rate, last hour", "percent", "health",
           "Errors ÷ all events of the last hour",
           _EVENTS, "medium", health.error_rate_hourly),
    Metric("system_uptime", "Session uptime", "minutes", "health",
           "Time since the session began, or how long it ran",
           "trading_sessions.start_time and end_time", "medium", health.system_uptime),
    Metric("api_connection_status", "Exchange connection", "status", "health",
           "Whether the engine reaches the exchange",
           _NOT_RECORDED, "high", health.api_connection_status),
    Metric("api_latency", "Exchange latency", "milliseconds", "health",
           "How quickly the exchange answers the engine",
           _NOT_RECORDED, "medium", health.api_latency),
    Metric("fill_rate", "Fill rate", "percent", "health",
           "Filled orders ÷ finished ones (filled, cancelled or failed)",
           _ORDERS, "high", execution.fill_rate),
    Metric("failed_orders", "Failed orders", "count", "health",
           "Orders that failed",
           _ORDERS, "high", execution.failed_orders),
    Metric("avg_slippage", "Mean slippage", "percent", "health",
           "Fill price against the price asked for; positive is worse",
           _ORDERS, "high", execution.avg_slippage),
    Metric("order_latency", "Order latency", "milliseconds", "health",
           "Mean time from order to fill",
           _ORDERS, "medium", execution.order_latency),
    Metric("execution_quality", "Execution quality", "status", "health",
           "The fill rate in a word: Good from 95 %, Fair from 80 %, else Poor",
           _ORDERS, "medium", execution.execution_quality),
    Metric("current_strategy", "Strategy", "text", "health",
           "The strategy that the session trades",
           "trading_sessions.strategy_name", "high", execution.current_strategy),
    Metric("price_change_24h", "Price change, 24 h", "percent", "health",
           "Change of the traded price in 24 hours",
           _LOGGED, "medium", execution.price_change_24h),
    Metric("rsi", "RSI", "ratio", "health",
           "Relative strength index, 0 to 100",
           _LOGGED, "low", execution.rsi),
    Metric("ema_trend", "EMA trend", "text", "health",
           "Direction of the moving averages",
           _LOGGED, "low", execution.ema_trend),

    Metric("current_drawdown", "Drawdown", "percent", "risk",
           "How far equity is below its peak: (peak − equity) ÷ peak",
           _PEAK, "high", performance.current_drawdown),
    Metric("max_drawdown", "Max drawdown", "percent", "risk",
           "The deepest decline from a peak: (peak − equity) ÷ peak",
           _PEAK, "high", performance.max_drawdown),
    Metric("current_exposure", "Exposure", "percent", "risk",
           "Gross value of the open positions at current prices ÷ equity",
           f"{_POSITIONS}; {_SNAPSHOT}", "high", account.current_exposure),
    Metric("margin_usage", "Margin usage", "percent", "risk",
           "Margin used ÷ equity",
           _SNAPSHOT, "high", account.margin_usage),
    Metric("risk_per_trade", "Risk per trade", "percent", "risk",
           "Mean of |entry − stop| × quantity ÷ balance at entry",
           "trades with a stop; positions.entry_balance", "medium", of_trades(trades.risk_per_trade)),
    Metric("volatility", "Volatility", "percent", "risk",
           "Sample standard deviation of the daily returns × √365",
           _DAILY, "medium", of_returns(returns.volatility)),
    Metric("dynamic_risk_factor", "Risk factor", "ratio", "risk",
           "What the engine multiplies its position sizes by; 1 without an adjustment",
           _ADJUSTMENT, "high", account.dynamic_risk_factor),
    Metric("dynamic_risk_reason", "Reason of the factor", "text", "risk",
           "Why the engine changed its position sizes",
           _ADJUSTMENT, "high", account.dynamic_risk_reason),
    Metric("dynamic_risk_active", "Risk adjusted", "flag", "risk",
           "Whether an adjustment of the position sizes is in force",
           _ADJUSTMENT, "high", account.dynamic_risk_active),

    Metric("total_return", "Total return", "percent", "performance",
           "Daily returns chained from the first day's close",
           _DAILY, "high", of_returns(returns.total_return)),
    Metric("total_pnl", "Total P&L", "money", "performance",
           "Net P&L of all closed trades",
           _TRADES, "high", of_trades(trades.total_pnl)),
    Metric("daily_pnl", "P&L today", "money", "performance",
           "Net P&L of the trades closed today (UTC)",
           _TRADES, "high", of_trades(trades.today)),
    Metric("weekly_pnl", "P&L, 7 days", "money", "performance",
           "Net P&L of the trades closed in the last 7 days",
           _TRADES, "high", of_trades(trades.week)),
    Metric("win_rate", "Win rate", "percent", "performance",
           "Trades with a net gain ÷ all closed trades",
           _TRADES, "high", of_trades(trades.win_rate)),
    Metric("total_trades", "Trades", "count", "performance",
           "Closed trades",
           _TRADES, "medium", of_trades(lambda sums: sums.total)),
    Metric("winning_trades", "Winning trades", "count", "performance",
           "Trades with a net gain",
           _TRADES, "medium", of_trades(trades.winning)),
    Metric("losing_trades", "Losing trades", "count", "performance",
           "Trades with a net loss",
           _TRADES, "medium", of_trades(trades.losing)),
    Metric("breakeven_trades", "Breakeven trades", "count", "performance",
           "Trades that ended at exactly zero net",
           _TRADES, "low", of_trades(trades.breakeven)),
    Metric("profit_factor", "Profit factor", "ratio", "performance",
           "Sum of the net wins ÷ sum of the net losses",
           _TRADES, "medium", of_trades(trades.profit_factor)),
    Metric("expectancy", "Expectancy", "money", "performance",
           "Mean net P&L of a trade",
           _TRADES, "medium", of_trades(trades.expectancy)),
    Metric("avg_win_loss_ratio", "Mean win ÷ mean loss", "ratio", "performance",
           "Mean net win ÷ mean net loss",
           _TRADES, "medium", of_trades(trades.avg_win_loss_ratio)),
    Metric("recent_trade_outcomes", "Last trades", "text", "performance",
           "The last ten trades, newest first: W win, L loss, B breakeven",
           _TRADES, "medium", performance.recent_trade_outcomes),
    Metric("sharpe_ratio", "Sharpe ratio", "ratio", "performance",
           "Mean ÷ standard deviation of the daily returns × √365, risk-free rate 0",
           _DAILY, "high", of_returns(returns.sharpe)),
    Metric("sortino_ratio", "Sortino ratio", "ratio", "performance",
           "Mean ÷ downside deviation of the daily returns × √365",
           _DAILY, "medium", of_returns(returns.sortino)),
    Metric("calmar_ratio", "Calmar ratio", "ratio", "performance",
           "CAGR ÷ max drawdown",
           f"{_DAILY}; {_PEAK}", "medium", performance.calmar_ratio),
    Metric("cagr", "CAGR", "percent", "performance",
           "Compound annual growth: the total return as a yearly rate",
           _DAILY, "medium", of_returns(returns.cagr)),

    Metric("current_balance", "Balance", "money", "account",
           "Booked money, without open P&L",
           "newest row of account_balances or account_history", "high", account.current_balance),
    Metric("equity", "Equity", "money", "account",
           "Balance and open P&L",
           _SNAPSHOT, "high", account.equity),
    Metric("unrealized_pnl", "Open P&L", "money", "account",
           "What closing every position now would book, before fees",
           _POSITIONS, "high", account.unrealized_pnl),
    Metric("available_margin", "Free margin", "money", "account",
           "Margin that new positions may use",
           _SNAPSHOT, "medium", account.available_margin),
    Metric("active_positions_count", "Open positions", "count", "account",
           "Positions that are open",
           _POSITIONS, "high", account.active_positions_count),
    Metric("position_sizes", "Position value at entry", "money", "account",
           "Sum of |quantity| × entry price",
           _POSITIONS, "high", account.position_sizes),
    Metric("total_position_value", "Position value now", "money", "account",
           "Sum of |quantity| × current price",
           _POSITIONS, "high", account.total_position_value),
)
# fmt: on

BY_KEY: dict[str, Metric] = {metric.key: metric for metric in CATALOGUE}


def evaluate(facts: Facts, metrics: Iterable[Metric] = CATALOGUE) -> Evaluation:
    """The metrics computed from one set of facts, each by itself. Raises nothing."""
    evaluation = Evaluation({}, {}, {})
    for metric in metrics:
        evaluation.values[metric.key] = _value(metric, facts, evaluation)
    return evaluation


def _value(metric: Metric, facts: Facts, evaluation: Evaluation) -> Value | None:
    try:
        value: Value | None = metric.compute(facts)
        if value is None:
            raise Unknown("what it is made of is not known")
        if not finite(value):
            raise Unknown("not a finite number")
        return value
    except Unknown as unknown:
        evaluation.reasons[metric.key] = str(unknown) or "unknown"
    except Exception as error:  # noqa: BLE001 - an operator's own metric that breaks must not take the others down
        evaluation.reasons[metric.key] = f"could not be computed ({type(error).__name__})"
        evaluation.errors[metric.key] = error
    return None
