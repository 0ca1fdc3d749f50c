"""Which columns of a trade are read, and the query for trades while the columns in memory are still being filled."""

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.projections.trade_columns import BEST, BY_SYMBOL, NEWEST, OLDEST, SORTS, WORST, TradeFilter

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
ORDERS = {
    NEWEST: "exit_time DESC, id DESC",
    OLDEST: "exit_time, id",
    BEST: "nullif(net_pnl, 'NaN') DESC NULLS LAST, exit_time DESC, id DESC",
    WORST: "nullif(net_pnl, 'NaN') NULLS LAST, exit_time, id",
    BY_SYMBOL: "symbol, exit_time DESC, id DESC",
}
OUTCOMES = {"win": "net_pnl > 0 AND net_pnl <> 'NaN'", "loss": "net_pnl < 0", "breakeven": "net_pnl = 0"}


def select_trades(capabilities: Capabilities) -> str:
    """SELECT of every column of TRADE and ``net_pnl``."""
    net = NET.format(
        commission=capabilities.column("trades", "commission", "numeric"),
        interest=capabilities.column("trades", "margin_interest_cost", "numeric"),
    )
    return f"SELECT {capabilities.columns('trades', TRADE)}, {net} AS net_pnl FROM trades"


def search(capabilities: Capabilities, sessions: tuple[int, ...], wanted: TradeFilter) -> tuple[str, list[object]]:
    """The query for the wanted trades of some sessions, and its arguments."""
    arguments: list[object] = [sessions]
    conditions = ["session_id = ANY($1::bigint[])"]

    def where(condition: str, *values: object) -> None:
        arguments.extend(values)
        first = len(arguments) - len(values) + 1
        conditions.append(condition.format(*(f"${number}" for number in range(first, len(arguments) + 1))))

    if wanted.symbol:
        where("upper(symbol) = upper({}::text)", wanted.symbol)
    if wanted.side:
        where("upper(side) = upper({}::text)", wanted.side)
    if wanted.outcome:
        where(OUTCOMES[wanted.outcome])
    if wanted.since:
        where("exit_time >= {}", wanted.since)
    if wanted.until:
        where("exit_time <= {}", wanted.until)
    if wanted.after:
        where("(exit_time, id) < ({}::timestamp, {}::bigint)", *wanted.after)
    found = f"SELECT * FROM ({select_trades(capabilities)}) t WHERE {' AND '.join(conditions)}"
    order = ORDERS[SORTS[wanted.sort]]
    return f"{found} ORDER BY {order} LIMIT {int(wanted.limit)} OFFSET {int(wanted.offset)}", arguments
