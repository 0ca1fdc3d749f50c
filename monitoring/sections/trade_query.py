"""Which columns of a trade are read, and the query for trades while the columns in memory are still being filled."""

from collections.abc import Iterator
from typing import Any

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.database.owners import owner
from monitoring.projections.trade_columns import TradeFilter
from monitoring.projections.trade_selection import AMOUNTS, BY_SYMBOL, NEWEST, OLDEST, SORTS
from monitoring.projections.trade_sums import SECONDS, risk_of

PAGE_ROWS = 25

TRADE: Columns = {
    "id": "bigint",
    "symbol": "text",
    "side": "text",
    "entry_price": "numeric",
    "exit_price": "numeric",
    "quantity": "numeric",
    "size": "numeric",
    "entry_time": "timestamp",
    "exit_time": "timestamp",
    "pnl": "numeric",
    "pnl_percent": "numeric",
    "commission": "numeric",
    "margin_interest_cost": "numeric",
    "exit_reason": "text",
    "strategy_name": "text",
    "mfe": "numeric",
    "mae": "numeric",
    "mfe_price": "numeric",
    "mae_price": "numeric",
    "session_id": "bigint",
}
NET = "pnl - coalesce({commission}, 0) - coalesce({interest}, 0)"
AMOUNT = {"net": "nullif(net_pnl, 'NaN')", "r": "nullif(r, 'NaN')::float4", "seconds": "seconds"}
"""SQL of the columns in memory that trades are sorted by."""
ORDERS = {
    NEWEST: "exit_time DESC, id DESC",
    OLDEST: "exit_time, id",
    BY_SYMBOL: "symbol, exit_time DESC, id DESC",
    **{name: f"{AMOUNT[column]} DESC NULLS LAST, exit_time DESC, id DESC" for name, column in AMOUNTS.items()},
    **{f"+{name}": f"{AMOUNT[column]} NULLS LAST, exit_time, id" for name, column in AMOUNTS.items()},
}
OUTCOMES = {"win": "net_pnl > 0 AND net_pnl <> 'NaN'", "loss": "net_pnl < 0", "breakeven": "net_pnl = 0"}


def select_trades(capabilities: Capabilities, *more: str) -> str:
    """SELECT of every column of TRADE, of ``net_pnl``, and of more."""
    net = NET.format(
        commission=capabilities.column("trades", "commission", "numeric"),
        interest=capabilities.column("trades", "margin_interest_cost", "numeric"),
    )
    columns = (capabilities.columns("trades", TRADE), f"{net} AS net_pnl", *more)
    return f"SELECT {', '.join(columns)} FROM trades t"


def search(capabilities: Capabilities, sessions: tuple[int, ...], wanted: TradeFilter) -> tuple[str, list[object]]:
    """The query for the wanted trades of some sessions, and its arguments."""
    arguments: list[object] = [sessions]
    conditions = ["owner = ANY($1::bigint[])"]
    for condition, *values in _conditions(wanted):
        first = len(arguments) + 1
        conditions.append(condition.format(*(f"${number}" for number in range(first, first + len(values)))))
        arguments += values
    order = ORDERS[SORTS[wanted.sort]]
    trades = select_trades(capabilities, f"{owner(capabilities, 'trades', 't')} AS owner", f"{SECONDS} AS seconds")
    # What a trade risked is dear to find out.
    risks = f"JOIN ({risk_of(capabilities, 'true')}) known USING (id)" if order.startswith(AMOUNT["r"]) else ""
    found = f"SELECT * FROM ({trades}) t {risks} WHERE {' AND '.join(conditions)}"
    return f"{found} ORDER BY {order} LIMIT {int(wanted.limit)} OFFSET {int(wanted.offset)}", arguments


def _conditions(wanted: TradeFilter) -> Iterator[tuple[Any, ...]]:
    """Each condition with the values of its parameters."""
    if wanted.symbol:
        yield "upper(symbol) = upper({}::text)", wanted.symbol
    if wanted.side:
        yield "upper(side) = upper({}::text)", wanted.side
    if wanted.exit_reason:
        yield "upper(exit_reason) = upper({}::text)", wanted.exit_reason
    if wanted.outcome:
        yield (OUTCOMES[wanted.outcome],)
    if wanted.since:
        yield "exit_time >= {}", wanted.since
    if wanted.until:
        yield "exit_time <= {}", wanted.until
    if wanted.after:
        yield "(exit_time, id) < ({}::timestamp, {}::bigint)", *wanted.after
