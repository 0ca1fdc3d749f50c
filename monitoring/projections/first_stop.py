"""What a trade put at risk, in SQL: from its entry to its first stop, times its quantity."""

from monitoring.database.capabilities import Capabilities

# Look-ups by index, one a trade: with a join every chunk of trades would read all orders and all positions.
FIRST_ORDERS = """
LEFT JOIN LATERAL (
    SELECT o.price FROM orders o
    WHERE o.position_id = t.position_id AND o.order_type::text = 'STOP_LOSS' AND o.price > 0 AND o.price <> 'NaN'
    ORDER BY o.created_at, o.id LIMIT 1
) first_order ON true
"""
POSITION = "LEFT JOIN LATERAL (SELECT * FROM positions WHERE positions.id = t.position_id LIMIT 1) p ON true"

AT_RISK = """
CASE upper({side}) WHEN 'LONG' THEN CASE WHEN {stop} < {entry} THEN {entry} - {stop} END
                   WHEN 'SHORT' THEN CASE WHEN {stop} > {entry} THEN {stop} - {entry} END END
* CASE WHEN {quantity} > 0 AND {quantity} <> 'NaN' THEN {quantity} ELSE abs({size}) * {balance} / nullif({entry}, 0) END
"""
"""NULL without a first stop; a stop at or beyond the entry is none."""
BALANCES = """(SELECT b.total_balance FROM account_balances b
    WHERE b.session_id = {session} AND b.last_updated <= t.entry_time AND b.total_balance <> 'NaN'
    ORDER BY b.last_updated DESC, b.id DESC LIMIT 1)"""
INITIAL = "(SELECT s.initial_balance FROM trading_sessions s WHERE s.id = {session})"


def joins(capabilities: Capabilities) -> str:
    """What ``at_risk`` needs beside the trades ``t``: ``p`` and ``first_order``."""
    parts = [POSITION] if _positions_known(capabilities) else []
    return " ".join([*parts, *([FIRST_ORDERS] if _orders_known(capabilities) else [])])


def at_risk(capabilities: Capabilities, session: str) -> str:
    """The amount at risk of a trade ``t``; ``session``: SQL of the one that owns it."""

    def column(name: str) -> str:
        return capabilities.column("trades", name, "numeric", "t")

    return AT_RISK.format(
        side=capabilities.column("trades", "side", "text", "t"),
        entry=column("entry_price"),
        size=column("size"),
        quantity=column("quantity"),
        stop=_first_stop(capabilities),
        balance=balance_at_entry(capabilities, session),
    )


def _positions_known(capabilities: Capabilities) -> bool:
    return capabilities.has("trades", "position_id") and capabilities.has("positions", "id")


def _orders_known(capabilities: Capabilities) -> bool:
    needed = capabilities.has("orders", "id", "position_id", "order_type", "price", "created_at")
    return needed and capabilities.has("trades", "position_id")


def _first_stop(capabilities: Capabilities) -> str:
    """The first source that has one decides."""
    own = _positive(capabilities.column("trades", "stop_loss", "numeric", "t"))
    of_position = _positive(capabilities.column("positions", "stop_loss", "numeric", "p"))
    ways = ["first_order.price"] if _orders_known(capabilities) else []
    return f"coalesce({', '.join([*ways, *([of_position] if _positions_known(capabilities) else []), own])})"


def balance_at_entry(capabilities: Capabilities, session: str) -> str:
    """The account's balance when a trade ``t`` was entered."""
    ways = ["NULL::numeric"]
    if _positions_known(capabilities):
        ways.append(_positive(capabilities.column("positions", "entry_balance", "numeric", "p")))
    if capabilities.has("account_balances", "id", "session_id", "last_updated", "total_balance"):
        ways.append(BALANCES.format(session=session))
    if capabilities.has("trading_sessions", "id", "initial_balance"):
        ways.append(INITIAL.format(session=session))
    return f"coalesce({', '.join(ways)})"


def _positive(amount: str) -> str:
    return f"CASE WHEN {amount} > 0 AND {amount} <> 'NaN' THEN {amount} END"
