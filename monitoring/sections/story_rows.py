"""Reads the rows that the story of a trade or of an open position is told from."""

from decimal import Decimal

from monitoring.database.capabilities import Columns
from monitoring.database.owners import ORDER_IDS, ORDER_LOOK_BACK, owner
from monitoring.metrics.position_row import valued
from monitoring.projections.trade_sums import amounts_at_risk
from monitoring.sections.position_rows import clean
from monitoring.sections.section import Reading
from monitoring.sections.trade_query import NET
from monitoring.story.deal import Row
from monitoring.story.steps import Rows

TRADE: Columns = {
    **dict.fromkeys(("symbol", "side", "exit_reason", "order_id"), "text"),
    **dict.fromkeys(("entry_time", "exit_time", "mfe_time", "mae_time"), "timestamp"),
    **dict.fromkeys(("id", "position_id"), "bigint"),
    **dict.fromkeys(
        (
            *("entry_price", "exit_price", "size", "quantity", "pnl", "commission", "margin_interest_cost"),
            *("stop_loss", "take_profit", "mfe", "mae", "mfe_price", "mae_price"),
        ),
        "numeric",
    ),
}
POSITION: Columns = {
    **dict.fromkeys(("symbol", "side", "status"), "text"),
    **dict.fromkeys(("entry_time", "last_update", "mfe_time", "mae_time"), "timestamp"),
    **dict.fromkeys(("trailing_stop_activated", "breakeven_triggered"), "bool"),
    "id": "bigint",
    **dict.fromkeys(
        (
            *("entry_price", "current_price", "unrealized_pnl", "unrealized_pnl_percent", "quantity", "size"),
            *("entry_balance", "original_size", "current_size", "stop_loss", "take_profit"),
            *("mfe", "mae", "mfe_price", "mae_price"),
        ),
        "numeric",
    ),
}
ORDER: Columns = {
    **dict.fromkeys(("created_at", "filled_at", "cancelled_at"), "timestamp"),
    **dict.fromkeys(("order_type", "status", "side"), "text"),
    **dict.fromkeys(
        (
            *("quantity", "price", "filled_quantity", "filled_price", "commission"),
            *("actual_fill_price", "actual_fill_quantity", "actual_commission"),
        ),
        "numeric",
    ),
}
PART: Columns = {
    "timestamp": "timestamp",
    "operation_type": "text",
    **dict.fromkeys(("size", "price", "pnl"), "numeric"),
}
KEYS = ("id", "position_id")
LOG_NEEDS = ("id", "timestamp", "symbol", "session_id")
ORDERS = "SELECT {columns} FROM orders t WHERE position_id = $1::bigint ORDER BY 1, id"
PARTS = "SELECT {columns} FROM partial_trades t WHERE position_id = $1::bigint ORDER BY 1, id"
"""Each by its first column, its time, which an old table may not have."""
POSITION_OF_ORDER = """
SELECT position_id::bigint FROM orders
WHERE created_at BETWEEN $2::timestamp - {look_back} AND $3::timestamp + interval '1 hour'
  AND $1::text IN ({ids}) AND position_id IS NOT NULL ORDER BY id LIMIT 1
"""


async def read_trade(reading: Reading, number: int) -> Row | None:
    """With ``net_pnl`` and ``owner``, the session that it belongs to. Raises TableMissing."""
    reading.capabilities.require_columns("trades", "id", "exit_time", "pnl")
    capabilities = reading.capabilities
    net = NET.format(
        commission=capabilities.column("trades", "commission", "numeric"),
        interest=capabilities.column("trades", "margin_interest_cost", "numeric"),
    )
    columns = (
        f"{capabilities.columns('trades', TRADE)}, {net} AS net_pnl, {owner(capabilities, 'trades', 't')} AS owner"
    )
    row = await reading.connection.fetchrow(f"SELECT {columns} FROM trades t WHERE id = $1::bigint", number)
    return clean(row) if row and row["exit_time"] else None


async def read_position(reading: Reading, number: int) -> Row | None:
    """With the P&L that its price makes, and ``owner``. Raises TableMissing."""
    reading.capabilities.require_columns("positions", "id", "status")
    columns = reading.capabilities.columns("positions", POSITION)
    session = owner(reading.capabilities, "positions", "p")
    query = f"SELECT {columns}, {session} AS owner FROM positions p WHERE id = $1::bigint"
    row = await reading.connection.fetchrow(query, number)
    return valued(clean(row)) if row else None


async def read_rows(reading: Reading, trade: Row | None, position: Row | None) -> Rows:
    """The rows that belong to a trade or a position, but what the strategy logged."""
    needed = {"orders": KEYS, "partial_trades": KEYS, "strategy_executions": LOG_NEEDS}
    faults = {table: reading.capabilities.fault(table, *columns) for table, columns in needed.items()}
    return Rows(
        trade,
        position,
        orders=await _of_position(reading, ORDERS, "orders", ORDER, position),
        partials=await _of_position(reading, PARTS, "partial_trades", PART, position),
        unread={table: why for table, why in faults.items() if why},
    )


async def _of_position(
    reading: Reading, query: str, table: str, columns: Columns, position: Row | None
) -> list[dict[str, object]]:
    if position is None or not reading.capabilities.has(table, *KEYS):
        return []
    text = query.format(columns=reading.capabilities.columns(table, columns))
    return [clean(row) for row in await reading.connection.fetch(text, position["id"])]


async def position_of(reading: Reading, trade: Row) -> int | None:
    """Id of the position that a trade closed: the one it names, else that of the order it names."""
    named, order = trade["position_id"], trade["order_id"]
    if isinstance(named, int):
        return named
    ids = [f"{name}::text" for name in ORDER_IDS if reading.capabilities.has("orders", name)]
    if not order or not ids or not reading.capabilities.has("orders", "id", "position_id", "created_at"):
        return None
    query = POSITION_OF_ORDER.format(look_back=ORDER_LOOK_BACK, ids=", ".join(ids))
    found = await reading.connection.fetchval(query, order, trade["entry_time"], trade["exit_time"])
    return None if found is None else int(found)


async def read_at_risk(reading: Reading, number: int) -> tuple[Decimal | None, Decimal | None]:
    """What a trade put at risk until its first stop, and the balance at its entry; None where they are unknown."""
    query = amounts_at_risk(reading.capabilities, "t.id = $1::bigint", "$2::bigint[]")
    row = await reading.connection.fetchrow(query, number, reading.state.session.ids)
    known = clean(row or {})
    at_risk, balance = known.get("at_risk"), known.get("balance")
    return (
        at_risk if isinstance(at_risk, Decimal) and at_risk else None,
        balance if isinstance(balance, Decimal) and balance > 0 else None,
    )
