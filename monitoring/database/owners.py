"""To which session a row belongs: the one that it names, or, where that was taken away, that of what an id names."""

from monitoring.database.capabilities import Capabilities

OWNED_BY_IDS = ("trades", "orders", "positions")
"""Tables whose rows may belong to a session that they do not name."""
ORDER_IDS = ("internal_order_id", "exchange_order_id", "client_order_id")
ORDER_LOOK_BACK = "interval '7 days'"
"""How long before the entry the order of a trade was made at most; ``orders`` has an index on time, none on ids."""


def owner(capabilities: Capabilities, table: str, row: str) -> str:
    """SQL: the id of the session that owns ``row``, an alias of the table's; NULL where nothing names one."""
    own = f"{row}.session_id" if capabilities.has(table, "session_id") else "NULL"
    return f"coalesce({', '.join([own, *_named_by(capabilities, table, row)])})::bigint"


def _named_by(capabilities: Capabilities, table: str, row: str) -> list[str]:
    """What is looked at in turn where the row itself names no session."""
    if table == "positions":
        return _of_orders(capabilities, f"{row}.id")
    if table not in OWNED_BY_IDS or not capabilities.has(table, "position_id"):
        return []
    position = f"{row}.position_id"
    ways = _of_position(capabilities, position)
    return (
        [*ways, *_of_orders(capabilities, position), *_of_its_order(capabilities, row)] if table == "trades" else ways
    )


def _of_position(capabilities: Capabilities, position: str) -> list[str]:
    if not capabilities.has("positions", "id", "session_id"):
        return []
    return [f"(SELECT named.session_id FROM positions named WHERE named.id = {position})"]


def _of_orders(capabilities: Capabilities, position: str) -> list[str]:
    if not capabilities.has("orders", "id", "position_id", "session_id"):
        return []
    known = f"named.position_id = {position} AND named.session_id IS NOT NULL"
    return [f"(SELECT named.session_id FROM orders named WHERE {known} ORDER BY named.id DESC LIMIT 1)"]


def _of_its_order(capabilities: Capabilities, trade: str) -> list[str]:
    ids = [f"named.{name}::text" for name in ORDER_IDS if capabilities.has("orders", name)]
    if not ids or not capabilities.has("orders", "session_id", "created_at"):
        return []
    if not capabilities.has("trades", "order_id", "entry_time", "exit_time"):
        return []
    made = f"{trade}.entry_time - {ORDER_LOOK_BACK} AND {trade}.exit_time + interval '1 hour'"
    known = f"named.session_id IS NOT NULL AND named.created_at BETWEEN {made}"
    it = f"{trade}.order_id::text IN ({', '.join(ids)})"
    return [f"(SELECT named.session_id FROM orders named WHERE {known} AND {it} LIMIT 1)"]
