"""Which columns of a trade are read, and the query for trades while the columns in memory are still being filled."""

from collections.abc import Iterator
from math import isnan
from typing import Any

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.database.owners import owner
from monitoring.projections.trade_filter import BY_SYMBOL, TradeFilter, TradePlace
from monitoring.projections.trade_sums import SECONDS, risk_of

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
AMOUNT = {
    "net": "nullif(net_pnl, 'NaN')::float8",
    "r": "nullif(r, 'NaN')",
    "seconds": "seconds::float8",
}
"""SQL of the columns in memory that trades are sorted by."""
DIRECTIONS = {True: ("", ">"), False: (" DESC", "<")}
"""By whether the smallest or oldest comes first: the order, and the sign of what comes after a place."""
OUTCOMES = {
    "win": "net_pnl > 0 AND net_pnl <> 'NaN'",
    "loss": "net_pnl < 0",
    "breakeven": "net_pnl = 0",
    "unknown": "(net_pnl IS NULL OR net_pnl = 'NaN')",
}


def select_trades(capabilities: Capabilities, *more: str) -> str:
    """SELECT of every column of TRADE, of ``net_pnl`` and ``seconds``, and of more."""
    net = NET.format(
        commission=capabilities.column("trades", "commission", "numeric"),
        interest=capabilities.column("trades", "margin_interest_cost", "numeric"),
    )
    columns = (capabilities.columns("trades", TRADE), f"{net} AS net_pnl", f"{SECONDS} AS seconds", *more)
    return f"SELECT {', '.join(columns)} FROM trades t"


def search(capabilities: Capabilities, sessions: tuple[int, ...], wanted: TradeFilter) -> tuple[str, list[object]]:
    """The query for the wanted trades of some sessions, and its arguments."""
    arguments: list[object] = [sessions]
    conditions = ["owner = ANY($1::bigint[])"]
    for condition, *values in _conditions(wanted):
        first = len(arguments) + 1
        conditions.append(condition.format(*(f"${number}" for number in range(first, first + len(values)))))
        arguments += values
    trades = select_trades(capabilities, f"{owner(capabilities, 'trades', 't')} AS owner")
    # What a trade risked is dear to find out.
    of_all = risk_of(capabilities, "true", "$1::bigint[]")
    risks = f"JOIN (SELECT id, r::float4::float8 AS r FROM ({of_all}) t) known USING (id)"
    nearest = (
        f"SELECT * FROM ({trades}) t {risks if wanted.amount == 'r' else ''} WHERE {' AND '.join(conditions)}"
        f" ORDER BY {_order(wanted, backwards=wanted.before is not None)}"
        f" LIMIT {int(wanted.limit)} OFFSET {int(wanted.offset)}"
    )
    found = nearest if wanted.before is None else f"SELECT * FROM ({nearest}) t ORDER BY {_order(wanted)}"
    return found, arguments


def _order(wanted: TradeFilter, backwards: bool = False) -> str:
    direction, _ = DIRECTIONS[wanted.ascends != backwards]
    time = f"exit_time{direction}, id{direction}"
    if wanted.order == BY_SYMBOL:
        return f"symbol, {time}"
    unknown = "FIRST" if backwards else "LAST"
    return time if wanted.amount is None else f"{AMOUNT[wanted.amount]}{direction} NULLS {unknown}, {time}"


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
    if wanted.session is not None:
        yield "owner = {}", wanted.session
    if wanted.cursor is not None:
        yield _beyond(wanted, wanted.cursor)


def _beyond(wanted: TradeFilter, cursor: TradePlace) -> tuple[Any, ...]:
    """What comes after a place in the order, or before it; unknown amounts come last."""
    backwards = wanted.before is not None
    _, sign = DIRECTIONS[wanted.ascends != backwards]
    later = f"(exit_time, id) {sign} ({{}}::timestamp, {{}}::bigint)"
    if wanted.amount is None or cursor.amount is None:
        return later, cursor.exit, cursor.id
    amount = AMOUNT[wanted.amount]
    if isnan(cursor.amount):
        return (
            f"({amount} IS NOT NULL OR {later})" if backwards else f"({amount} IS NULL AND {later})",
            cursor.exit,
            cursor.id,
        )
    others = "" if backwards else f" OR {amount} IS NULL"
    condition = f"({amount} {sign} {{}}::float8 OR ({amount} = {{}}::float8 AND {later}){others})"
    return condition, cursor.amount, cursor.amount, cursor.exit, cursor.id
