"""Orders: those of open positions, those still pending, and how well the last day's were filled."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.capabilities import Capabilities, Columns
from monitoring.database.owners import owner
from monitoring.metrics.facts import Session
from monitoring.metrics.guards import StopOrders, stop_orders
from monitoring.metrics.reported import OrderSums
from monitoring.sections.section import Reading

ORDER: Columns = {
    "id": "bigint",
    "position_id": "bigint",
    "order_type": "text",
    "status": "text",
    "exchange_order_id": "text",
    "internal_order_id": "text",
    "symbol": "text",
    "side": "text",
    "quantity": "numeric",
    "price": "numeric",
    "filled_quantity": "numeric",
    "filled_price": "numeric",
    "commission": "numeric",
    "actual_commission": "numeric",
    "created_at": "timestamp",
    "filled_at": "timestamp",
    "cancelled_at": "timestamp",
    "last_update": "timestamp",
    "target_level": "int",
    "size_fraction": "numeric",
}
PENDING = ("PENDING", "OPEN", "PENDING_SUBMIT", "SUBMITTED", "UNKNOWN", "UNRESOLVED")

OF_POSITIONS = "SELECT {columns} FROM orders WHERE position_id = ANY($1::bigint[]) ORDER BY created_at, id"
STOPS_OF = (
    "SELECT EXISTS (SELECT 1 FROM orders WHERE order_type::text = 'STOP_LOSS' AND session_id = ANY($1::bigint[]))"
)
STOPS_OF_NOBODY = """
SELECT DISTINCT position_id::bigint FROM orders
WHERE order_type::text = 'STOP_LOSS' AND session_id IS NULL AND position_id IS NOT NULL
"""
HOLDS = "SELECT EXISTS (SELECT 1 FROM positions WHERE id = ANY($2::bigint[]) AND session_id = ANY($1::bigint[]))"
STILL_PENDING = """
SELECT {columns} FROM orders
WHERE status::text = ANY($1::text[]) AND created_at > $3 AND {owner} = ANY($2::bigint[])
ORDER BY created_at DESC, id DESC LIMIT 1000
"""
REFUSED = """
SELECT {columns} FROM orders
WHERE id = ANY($1::bigint[]) AND status::text = 'FAILED' AND coalesce({last_update}, created_at) > $3
  AND {owner} = ANY($2::bigint[])
ORDER BY created_at, id
"""
LAST_DAY = """
SELECT count(*) FILTER (WHERE status IN ('FILLED', 'CONFIRMED')) AS filled,
       count(*) FILTER (WHERE status = 'FAILED') AS failed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY direction * (fill - price) / price * 100)
           FILTER (WHERE marketable AND price > 0 AND price < 'Infinity' AND fill > 0 AND fill < 'Infinity')
           AS slippage,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM filled_at - created_at)) * 1000)
           FILTER (WHERE marketable AND filled_at > '-infinity' AND filled_at < 'infinity') AS latency
FROM (
    SELECT status::text AS status, created_at, {filled_at} AS filled_at, {price} AS price,
           coalesce(nullif(nullif({actual_fill_price}, 'NaN'), 0), {filled_price}) AS fill,
           status::text IN ('FILLED', 'CONFIRMED')
           AND order_type::text IN ('ENTRY', 'SCALE_IN', 'PARTIAL_EXIT', 'FULL_EXIT') AS marketable,
           CASE WHEN upper(side::text) IN ('BUY', 'LONG') THEN 1 ELSE -1 END
           * CASE WHEN upper(side::text) IN ('BUY', 'SELL') OR order_type::text IN ('ENTRY', 'SCALE_IN')
                  THEN 1 ELSE -1 END AS direction
    FROM orders WHERE created_at > $2 AND created_at <= $3 AND {owner} = ANY($1::bigint[])
) recent
"""
"""Paying more on a buy or getting less on a sale counts as positive slippage. A resting stop is to wait."""


FILL: Columns = {
    "filled_at": "timestamp",
    "price": "float8",
    "filled_price": "float8",
    "actual_fill_price": "float8",
}


async def read_order_sums(reading: Reading) -> OrderSums | None:
    """How the orders of the last 24 hours went; None where the table is missing."""
    if not reading.capabilities.has("orders", "status", "created_at", "session_id", "side", "order_type"):
        return None
    columns = {name: reading.capabilities.column("orders", name, kind) for name, kind in FILL.items()}
    window, sessions = (reading.now - timedelta(days=1), reading.now + MAX_CLOCK_SKEW), reading.state.session.ids
    query = LAST_DAY.format(**columns, owner=owner(reading.capabilities, "orders", "orders"))
    row = await reading.connection.fetchrow(query, sessions, *window)
    return OrderSums(
        filled=row["filled"],
        failed=row["failed"],
        slippage_percent=row["slippage"],
        latency_ms=None if row["latency"] is None else float(row["latency"]),
    )


async def read_places_stops(reading: Reading) -> bool:
    """Whether the bot has ever placed a stop order; False where that cannot be read."""
    connection, capabilities = reading.connection, reading.capabilities
    if not capabilities.has("orders", "order_type", "session_id", "position_id"):
        return False
    sessions = reading.state.session.ids
    if await connection.fetchval(STOPS_OF, sessions):
        return True
    # Positions change with each price: they are asked for only where an order depends on them.
    lost = [row["position_id"] for row in await connection.fetch(STOPS_OF_NOBODY)]
    known = bool(lost) and capabilities.has("positions", "id", "session_id")
    return known and bool(await connection.fetchval(HOLDS, sessions, lost))


async def orders_of(
    connection: asyncpg.Connection, capabilities: Capabilities, positions: Sequence[int]
) -> dict[int, list[asyncpg.Record]]:
    """Orders by position, oldest first; empty where the table is missing."""
    found: dict[int, list[asyncpg.Record]] = defaultdict(list)
    if positions and capabilities.has("orders", "id", "position_id"):
        query = OF_POSITIONS.format(columns=capabilities.columns("orders", ORDER))
        for row in await connection.fetch(query, list(positions)):
            found[row["position_id"]].append(row)
    return found


async def read_stop_orders(reading: Reading) -> dict[int, StopOrders]:
    """By id of an open position; one for which none was ever placed is missing."""
    found = await orders_of(reading.connection, reading.capabilities, reading.state.positions.open_ids)
    stops = {number: stop_orders(orders) for number, orders in found.items()}
    return {number: orders for number, orders in stops.items() if orders is not None}


async def pending_orders(
    connection: asyncpg.Connection, capabilities: Capabilities, session: Session, now: datetime
) -> list[asyncpg.Record]:
    """Unfinished orders of the last 90 days, newest first. Raises TableMissing."""
    capabilities.require_columns("orders", "id", "status", "session_id", "created_at")
    query = STILL_PENDING.format(
        columns=capabilities.columns("orders", ORDER), owner=owner(capabilities, "orders", "orders")
    )
    rows = await connection.fetch(query, list(PENDING), session.ids, now - timedelta(days=90))
    return list(rows)


async def refused_orders(reading: Reading, since: datetime) -> list[asyncpg.Record]:
    """Orders of the scope that failed after ``since``, at most an hour ago, oldest first."""
    ids, capabilities = reading.state.failed_orders, reading.capabilities
    if not ids:
        return []
    query = REFUSED.format(
        columns=capabilities.columns("orders", ORDER),
        last_update=capabilities.column("orders", "last_update", "timestamp"),
        owner=owner(capabilities, "orders", "orders"),
    )
    return list(await reading.connection.fetch(query, ids, reading.state.session.ids, since))
