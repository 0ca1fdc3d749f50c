"""What a trade put at risk, in SQL: from its entry to its first stop, times its quantity."""

from monitoring.database.capabilities import Capabilities
from monitoring.projections.bookings import CURRENCY

# Look-ups by index, one a trade: with a join every chunk of trades would read all orders and all positions.
FIRST_ORDERS = """
LEFT JOIN LATERAL (
    SELECT o.price FROM orders o
    WHERE o.position_id = t.position_id AND o.order_type::text = 'STOP_LOSS' AND o.price > 0 AND o.price <> 'NaN'
    ORDER BY o.created_at, o.id LIMIT 1
) first_order ON true
"""
POSITION = "LEFT JOIN LATERAL (SELECT * FROM positions WHERE positions.id = t.position_id LIMIT 1) p ON true"

DISTANCE = """
CASE upper({side}) WHEN 'LONG' THEN CASE WHEN {stop} < {entry} THEN {entry} - {stop} END
                   WHEN 'SHORT' THEN CASE WHEN {stop} > {entry} THEN {stop} - {entry} END END"""
"""NULL without a first stop; a stop at or beyond the entry is none."""
QUANTITY = """CASE WHEN {quantity} > 0 AND {quantity} <> 'NaN' THEN {quantity}
     ELSE abs({size}) * {balance} / nullif({entry}, 0) END"""
# By the index on session and time.
BOOKED = f"""(SELECT newest.* FROM unnest({{sessions}}) AS own (id), LATERAL (
    SELECT b.total_balance AS balance, b.last_updated AS at, 1 AS rank, b.id FROM account_balances b
    WHERE b.session_id = own.id AND b.last_updated <= t.entry_time AND b.total_balance <> 'NaN'
      AND {CURRENCY.format(row="b")}
    ORDER BY b.last_updated DESC, b.id DESC LIMIT 1
) newest ORDER BY newest.at DESC, newest.id DESC LIMIT 1)"""
# By the index on time: where one of the sessions wrote at all, that was not long before.
SEEN = """(SELECT h.balance, h.timestamp AS at, 0 AS rank, h.id FROM account_history h
    WHERE h.session_id = ANY({sessions}) AND h.timestamp <= t.entry_time AND h.balance <> 'NaN'
      AND h.timestamp >= (SELECT s.start_time FROM trading_sessions s WHERE s.id = ({sessions})[1])
    ORDER BY h.timestamp DESC, h.id DESC LIMIT 1)"""
NEWEST = "(SELECT balance FROM ({found}) found ORDER BY at DESC, rank DESC LIMIT 1)"
INITIAL = "(SELECT s.initial_balance FROM trading_sessions s WHERE s.id = ({sessions})[1])"


def joins(capabilities: Capabilities) -> str:
    """What ``at_risk`` needs beside the trades ``t``: ``p`` and ``first_order``."""
    parts = [POSITION] if _positions_known(capabilities) else []
    return " ".join([*parts, *([FIRST_ORDERS] if _orders_known(capabilities) else [])])


def at_risk(capabilities: Capabilities, sessions: str) -> str:
    """The amount at risk of a trade ``t``; ``sessions``: see ``balance_at_entry``."""
    size, quantity = (capabilities.column("trades", name, "numeric", "t") for name in ("size", "quantity"))
    balance, entry = balance_at_entry(capabilities, sessions), _entry(capabilities)
    return f"{_distance(capabilities)} * {QUANTITY.format(size=size, quantity=quantity, balance=balance, entry=entry)}"


def needs_balance(capabilities: Capabilities) -> str:
    """Whether what a trade ``t`` put at risk depends on balances that were booked: no position tells that at entry."""
    return f"{_distance(capabilities)} IS NOT NULL AND {_own_balance(capabilities)} IS NULL"


def _entry(capabilities: Capabilities) -> str:
    return capabilities.column("trades", "entry_price", "numeric", "t")


def _distance(capabilities: Capabilities) -> str:
    side = capabilities.column("trades", "side", "text", "t")
    return DISTANCE.format(side=side, entry=_entry(capabilities), stop=_first_stop(capabilities))


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


def balance_at_entry(capabilities: Capabilities, sessions: str) -> str:
    """The account's balance when a trade ``t`` was entered; ``sessions``: SQL, the ids of its bot's, oldest first."""
    ways, found = [_own_balance(capabilities)], []
    if capabilities.has("account_balances", "id", "session_id", "last_updated", "total_balance"):
        found.append(BOOKED)
    if capabilities.has("account_history", "id", "session_id", "timestamp", "balance"):
        found.append(SEEN)
    if found:
        ways.append(NEWEST.format(found=" UNION ALL ".join(found)))
    if capabilities.has("trading_sessions", "id", "initial_balance"):
        ways.append(INITIAL)
    return f"coalesce({', '.join(ways)})".format(sessions=sessions)


def _own_balance(capabilities: Capabilities) -> str:
    """As the position tells it."""
    if not _positions_known(capabilities):
        return "NULL::numeric"
    return _positive(capabilities.column("positions", "entry_balance", "numeric", "p"))


def _positive(amount: str) -> str:
    return f"CASE WHEN {amount} > 0 AND {amount} <> 'NaN' THEN {amount} END"
