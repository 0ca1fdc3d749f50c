"""Every metric of the dashboard, and the evaluation of all of them from one set of facts."""

import logging
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from monitoring.metrics import account, books, execution, health, heat, performance, returns, trades
from monitoring.metrics.equity_now import old_prices
from monitoring.metrics.facts import Facts
from monitoring.metrics.guards import unprotected_positions
from monitoring.metrics.metric import NOWHERE, Evaluation, Metric
from monitoring.metrics.outside import history_outside, of_equity, trades_outside
from monitoring.metrics.performance import of_returns, of_trades
from monitoring.metrics.unit import Unit
from monitoring.metrics.value import Unknown, Value, finite

__all__ = ["BY_KEY", "CATALOGUE", "Evaluation", "Metric", "evaluate"]

log = logging.getLogger(__name__)

_SIGNS = "newest of account_history, strategy_executions, trades, positions, system_events and the session's start"
_EVENTS = "system_events of severity error or critical"
_SNAPSHOT = "newest real snapshot in account_history"
_PEAK = "real snapshots in account_history, deposits and withdrawals taken out; first peak: the initial balance"
_DAILY = "last equity of each UTC day in account_history, deposits and withdrawals taken out"
_TRADES = "trades: pnl − commission − margin_interest_cost"
_FIRST_STOP = "trades with a first stop in orders, positions or trades; positions.entry_balance, account_balances"
_GROSS = "trades: pnl, commission, margin_interest_cost"
_BOOKS = "trades, partial_trades, orders, account_balances, account_history"
_EQUITY = "account_balances, account_history, positions: newest balance + open P&L, else the newest snapshot"
_POSITIONS = "positions that are open"
_ADJUSTMENT = "adjustment of the position size in risk_adjustments within 60 s of the newest entry"
_ORDERS = "orders of the last 24 hours"
_LOGGED = "newest strategy_executions.indicators"

# Cards list their metrics in this order. One metric, three lines: as a table it can be read.
# fmt: off
CATALOGUE: tuple[Metric, ...] = (
    Metric("data_feed_status", "Data feed", Unit.STATUS, "health",
           "Active while the engine writes as often as it used to, then Delayed, then Stale",
           _SIGNS, health.data_feed_status, priority="high", levels=health.FEED_LEVELS),
    Metric("last_data_update", "Last sign of life", Unit.DATETIME, "health",
           "When the engine last wrote anything",
           _SIGNS, health.last_data_update, priority="high"),
    Metric("error_count", "Errors, 24 h", Unit.COUNT, "health",
           "Errors of the last 24 hours",
           _EVENTS, health.error_count, priority="high"),
    Metric("errors_last_hour", "Errors, last hour", Unit.COUNT, "health",
           "Errors of the last hour",
           _EVENTS, health.errors_last_hour, priority="high"),
    Metric("error_rate_hourly", "Error rate, last hour", Unit.PERCENT, "health",
           "Errors ÷ all events of the last hour",
           _EVENTS, health.error_rate_hourly),
    Metric("system_uptime", "Session uptime", Unit.MINUTES, "health",
           "Time since the session began, or how long it ran",
           "trading_sessions.start_time and end_time", health.system_uptime),
    Metric("fill_rate", "Fill rate", Unit.PERCENT, "orders",
           "Filled orders ÷ those that were filled or failed; a cancelled one is neither",
           _ORDERS, execution.fill_rate, priority="high"),
    Metric("failed_orders", "Failed orders", Unit.COUNT, "orders",
           "Orders that failed",
           _ORDERS, execution.failed_orders, priority="high"),
    Metric("avg_slippage", "Median slippage", Unit.SLIPPAGE, "orders",
           "Fill price against the price asked for, of entries and exits but no resting stops; positive is worse",
           _ORDERS, execution.avg_slippage, priority="high"),
    Metric("order_latency", "Order latency", Unit.MILLISECONDS, "orders",
           "Median time from order to fill, of entries and exits but no resting stops",
           _ORDERS, execution.order_latency),
    Metric("execution_quality", "Execution quality", Unit.PERCENT, "orders",
           "The fill rate, rounded",
           _ORDERS, execution.execution_quality),
    Metric("execution_quality_label", "Quality in a word", Unit.STATUS, "orders",
           "Good from 95 %, Fair from 80 %, else Poor",
           _ORDERS, execution.execution_quality_label, levels=execution.LEVELS),
    Metric("api_connection_status", "Exchange connection", Unit.STATUS, "orders",
           "Whether the engine reaches the exchange",
           NOWHERE, health.not_recorded, priority="high"),
    Metric("api_latency", "Exchange latency", Unit.MILLISECONDS, "orders",
           "How quickly the exchange answers the engine",
           NOWHERE, health.not_recorded),
    Metric("current_strategy", "Strategy", Unit.TEXT, "market",
           "The strategy that the session trades",
           "trading_sessions.strategy_name", execution.current_strategy, priority="high"),
    Metric("price_change_24h", "Price change, 24 h", Unit.PERCENT, "market",
           "Change of the traded price in 24 hours",
           _LOGGED, execution.price_change_24h, signed=True, good="high"),
    Metric("rsi", "RSI", Unit.RATIO, "market",
           "Relative strength index, 0 to 100",
           _LOGGED, execution.rsi, priority="low"),
    Metric("ema_trend", "EMA trend", Unit.TEXT, "market",
           "Direction of the moving averages",
           _LOGGED, execution.ema_trend, priority="low"),

    Metric("current_drawdown", "Drawdown", Unit.DECLINE, "risk",
           "How far equity is below its peak: (peak − equity) ÷ peak",
           _PEAK, performance.current_drawdown, good="low", priority="high", note=history_outside),
    Metric("max_drawdown", "Max drawdown", Unit.DECLINE, "risk",
           "The deepest decline from a peak: (peak − equity) ÷ peak",
           _PEAK, performance.max_drawdown, good="low", priority="high", note=history_outside),
    Metric("current_exposure", "Exposure", Unit.PERCENT, "risk",
           "Gross value of the open positions at current prices ÷ equity",
           f"{_POSITIONS}; {_EQUITY}", account.current_exposure, priority="high", note=old_prices),
    Metric("net_exposure", "Net exposure", Unit.PERCENT, "risk",
           "Value of the long positions − that of the short ones, at current prices ÷ equity",
           f"{_POSITIONS}; {_EQUITY}", account.net_exposure, signed=True, note=old_prices),
    Metric("heat", "Heat", Unit.MONEY, "risk",
           "What is lost from now on if every stop is hit; of positions with a stop",
           _POSITIONS, heat.heat),
    Metric("heat_percent", "Heat of equity", Unit.PERCENT, "risk",
           "Heat ÷ equity",
           f"{_POSITIONS}; {_EQUITY}", heat.heat_percent),
    Metric("heat_r", "Heat in R", Unit.RATIO, "risk",
           "Heat ÷ what the first stops put at risk of what is held",
           f"{_POSITIONS}; orders", heat.heat_r, priority="low"),
    Metric("unprotected_positions", "Without a live stop", Unit.COUNT, "risk",
           "Positions open for more than a minute without a stop, or without a live order for it",
           f"{_POSITIONS}; orders", unprotected_positions, good="low"),
    Metric("heat_from_entry", "Heat from entry", Unit.MONEY, "risk",
           "What is lost against the entries if every stop is hit",
           _POSITIONS, heat.heat_from_entry, priority="low"),
    Metric("risk_per_trade_configured", "Configured risk per trade", Unit.PERCENT, "risk",
           "What the strategy's configuration says",
           "trading_sessions.strategy_config", account.risk_per_trade_configured, priority="low"),
    Metric("margin_usage", "Margin usage", Unit.PERCENT, "risk",
           "Margin used ÷ equity of the same snapshot",
           _SNAPSHOT, account.margin_usage, priority="high"),
    Metric("risk_per_trade", "Risk per trade", Unit.PERCENT, "risk",
           "Mean of |entry − first stop| × quantity ÷ balance at entry",
           _FIRST_STOP, of_trades(trades.risk_per_trade)),
    Metric("risk_per_trade_median", "Median risk per trade", Unit.PERCENT, "risk",
           "Median of |entry − first stop| × quantity ÷ balance at entry",
           _FIRST_STOP, of_trades(trades.risk_per_trade_median), priority="low"),
    Metric("volatility", "Volatility", Unit.PERCENT, "risk",
           "Sample standard deviation of the returns of closed days × √365; from 10 days on",
           _DAILY, of_returns(returns.volatility)),
    Metric("dynamic_risk_factor", "Risk factor", Unit.RATIO, "risk",
           "What the engine multiplied the size of its newest entry by; 1 without an adjustment",
           _ADJUSTMENT, account.dynamic_risk_factor, priority="high"),
    Metric("dynamic_risk_reason", "Reason of the factor", Unit.CODE, "risk",
           "Why the engine changed the size of its newest entry",
           _ADJUSTMENT, account.dynamic_risk_reason, priority="high"),
    Metric("dynamic_risk_active", "Risk adjusted", Unit.FLAG, "risk",
           "Whether the size of the newest entry was changed",
           _ADJUSTMENT, account.dynamic_risk_active, priority="high"),

    Metric("total_return", "Total return", Unit.PERCENT, "performance",
           "Growth from the initial balance until now, deposits and withdrawals taken out",
           _DAILY, performance.total_return, signed=True, good="high", priority="high", note=history_outside),
    Metric("total_pnl", "Total P&L", Unit.MONEY, "performance",
           "Net P&L of all closed trades",
           _TRADES, of_trades(trades.total_pnl), signed=True, good="high", priority="high", note=trades_outside),
    Metric("win_rate", "Win rate", Unit.PERCENT, "performance",
           "Trades with a net gain ÷ all closed trades",
           _TRADES, of_trades(trades.win_rate), priority="high", note=trades_outside),
    Metric("profit_factor", "Profit factor", Unit.RATIO, "performance",
           "Sum of the net wins ÷ sum of the net losses",
           _TRADES, of_trades(trades.profit_factor)),
    Metric("sharpe_ratio", "Sharpe ratio", Unit.RATIO, "performance",
           "Mean ÷ standard deviation of the returns of closed days × √365, risk-free rate 0; from 10 days on",
           _DAILY, of_returns(returns.sharpe), priority="high"),
    Metric("total_trades", "Trades", Unit.COUNT, "performance",
           "Closed trades",
           _TRADES, of_trades(lambda sums: sums.total), note=trades_outside),
    Metric("sortino_ratio", "Sortino ratio", Unit.RATIO, "performance",
           "Mean ÷ downside deviation of the returns of closed days × √365; from 10 days on",
           _DAILY, of_returns(returns.sortino)),
    Metric("calmar_ratio", "Calmar ratio", Unit.RATIO, "performance",
           "CAGR ÷ max drawdown of all snapshots; from 30 closed days on",
           f"{_DAILY}; {_PEAK}", performance.calmar_ratio),
    Metric("cagr", "CAGR", Unit.PERCENT, "performance",
           "Growth from the initial balance to the last closed day, as a yearly rate; from 30 days on",
           _DAILY, of_returns(returns.cagr), signed=True, good="high"),
    Metric("expectancy", "Expectancy", Unit.MONEY, "performance",
           "Mean net P&L of a trade",
           _TRADES, of_trades(trades.expectancy), signed=True, good="high"),
    Metric("avg_win_loss_ratio", "Mean win ÷ mean loss", Unit.RATIO, "performance",
           "Mean net win ÷ mean net loss",
           _TRADES, of_trades(trades.avg_win_loss_ratio)),
    Metric("gross_pnl", "Gross P&L", Unit.MONEY, "performance",
           "P&L of all closed trades before fees and interest",
           _GROSS, of_trades(books.gross_pnl), signed=True, good="high", priority="low"),
    Metric("fees_paid", "Fees", Unit.MONEY, "performance",
           "Commission of all closed trades",
           "trades.commission", of_trades(books.fees_paid), priority="low"),
    Metric("interest_paid", "Interest", Unit.MONEY, "performance",
           "Margin interest of all closed trades",
           "trades.margin_interest_cost", of_trades(books.interest_paid), priority="low"),
    Metric("cost_share", "Costs of gross P&L", Unit.PERCENT, "performance",
           "Fees and interest ÷ gross P&L",
           _GROSS, of_trades(books.cost_share)),
    Metric("cost_of_wins", "Costs of gross wins", Unit.PERCENT, "performance",
           "Fees and interest ÷ gross P&L of the trades that gained before costs",
           _GROSS, of_trades(books.cost_of_wins), priority="low"),
    Metric("winning_trades", "Winning trades", Unit.COUNT, "performance",
           "Trades with a net gain",
           _TRADES, of_trades(trades.winning)),
    Metric("losing_trades", "Losing trades", Unit.COUNT, "performance",
           "Trades with a net loss",
           _TRADES, of_trades(trades.losing)),
    Metric("breakeven_trades", "Breakeven trades", Unit.COUNT, "performance",
           "Trades that ended at exactly zero net",
           _TRADES, of_trades(trades.breakeven), priority="low"),
    Metric("daily_pnl", "Realised today", Unit.MONEY, "performance",
           "Net P&L of the trades closed today (UTC)",
           _TRADES, of_trades(trades.today), signed=True, good="high", priority="high"),
    Metric("weekly_pnl", "Realised, 7 days", Unit.MONEY, "performance",
           "Net P&L of the trades closed in the last 7 days",
           _TRADES, of_trades(trades.week), signed=True, good="high", priority="high"),
    Metric("recent_trade_outcomes", "Last trades", Unit.OUTCOMES, "performance",
           "The last ten trades, newest first: W win, L loss, B breakeven",
           _TRADES, performance.recent_trade_outcomes),

    Metric("current_balance", "Balance", Unit.MONEY, "account",
           "Booked money, without open P&L",
           "newest row of account_balances or account_history", account.current_balance, priority="high"),
    Metric("equity", "Equity", Unit.MONEY, "account",
           "Balance and open P&L; that of the newest snapshot where a price is not fresh",
           _EQUITY, account.equity, priority="high", note=of_equity),
    Metric("unrealized_pnl", "Open P&L", Unit.MONEY, "account",
           "What closing every position now would book, before fees",
           _POSITIONS, account.unrealized_pnl, signed=True, good="high", priority="high", note=old_prices),
    Metric("available_margin", "Free margin", Unit.MONEY, "account",
           "Margin that new positions may use",
           _SNAPSHOT, account.available_margin),
    Metric("realized_open", "Taken of open positions", Unit.MONEY, "account",
           "P&L of partial exits of positions that are still open; gross where the engine wrote none",
           "partial_trades", books.realized_open, signed=True, good="high", priority="low"),
    Metric("unexplained", "Unexplained", Unit.MONEY, "account",
           "Start + net P&L + partial exits − entry fees of open positions + flows and corrections − balance",
           _BOOKS, books.unexplained, signed=True, priority="low"),
    Metric("active_positions_count", "Open positions", Unit.COUNT, "account",
           "Positions that are open",
           _POSITIONS, account.active_positions_count, priority="high"),
    Metric("position_sizes", "Position value at entry", Unit.MONEY, "account",
           "Sum of |quantity| × entry price",
           _POSITIONS, account.position_sizes, priority="high"),
    Metric("total_position_value", "Position value now", Unit.MONEY, "account",
           "Sum of |quantity| × current price",
           _POSITIONS, account.total_position_value, priority="high", note=old_prices),
)
# fmt: on

BY_KEY: dict[str, Metric] = {metric.key: metric for metric in CATALOGUE}


def evaluate(facts: Facts, metrics: Iterable[Metric] = CATALOGUE) -> Evaluation:
    """The metrics computed from one set of facts, each by itself. Raises nothing."""
    evaluation = Evaluation({}, {})
    for metric in metrics:
        try:
            evaluation.values[metric.key] = _value(metric, facts)
            if note := metric.note(facts):
                evaluation.reasons[metric.key] = note
        except Unknown as unknown:
            evaluation.values[metric.key] = None
            evaluation.reasons[metric.key] = str(unknown) or "unknown"
            if unknown.partial:
                evaluation.partials[metric.key] = unknown.partial
    return evaluation


def _value(metric: Metric, facts: Facts) -> Value:
    try:
        value: Value | None = metric.compute(facts)
    except Unknown:
        raise
    except BaseException as error:  # an operator's own metric that breaks, or exits, must not take others down
        _log_once(metric.key, repr(error))
        raise Unknown(f"could not be computed ({type(error).__name__})") from error
    if value is None:
        raise Unknown("what it is made of is not known")
    if isinstance(value, np.generic):
        value = value.item()
    if not finite(value):
        raise Unknown("not a finite number")
    if not metric.unit.holds(value):
        raise Unknown(f"expected {metric.unit.api_name}, not {value!r:.40}")
    return value


@lru_cache(maxsize=1000)
def _log_once(key: str, error: str) -> None:
    log.error("the metric %s could not be computed: %s", key, error)
