"""Reads which positions were opened, as lines of the stream: how much, at what price, and what was at risk."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.metrics.activity import OPENED, Line
from monitoring.metrics.position_row import finite
from monitoring.sections.activity_lines import Window, market_of, owner_of_position, time_of
from monitoring.sections.orders import orders_of
from monitoring.sections.position_rows import POSITION, Position, clean
from monitoring.sections.risk_factor import ADJUSTMENTS_NEED
from monitoring.sections.section import Context

ADJUSTED_WITHIN = timedelta(seconds=60)
"""The engine logs an adjustment when it sizes an entry."""
OPENINGS = """
SELECT {columns} FROM positions p
WHERE entry_time >= $2 AND entry_time <= $3 AND (entry_time < $3 OR id < $4::bigint) AND {owner} = ANY($1::bigint[])
ORDER BY entry_time DESC, id DESC LIMIT $5
"""
FACTORS = """
SELECT id::bigint AS id, timestamp, adjusted_value::numeric AS factor FROM risk_adjustments
WHERE session_id = ANY($1::bigint[]) AND parameter_name = 'position_size_factor' AND timestamp BETWEEN $2 AND $3
  AND adjusted_value <> 'NaN'
"""


async def read_opened(context: Context, window: Window) -> list[Line]:
    capabilities = context.capabilities
    if not capabilities.has("positions", "id", "session_id", "entry_time"):
        return []
    query = OPENINGS.format(columns=capabilities.columns("positions", POSITION), owner=owner_of_position(context))
    rows = await context.connection.fetch(query, context.state.session.ids, *window.of(OPENED))
    orders = await orders_of(context.connection, capabilities, [row["id"] for row in rows])
    factors = await _factors(context, [row["entry_time"] for row in rows])
    return [
        _opened(Position(clean(row), orders.get(row["id"], []), stale=False), factors.get(row["entry_time"]))
        for row in rows
    ]


async def _factors(context: Context, entries: Sequence[datetime]) -> dict[datetime, Decimal]:
    """By the time of an entry what its size was multiplied by, where that was adjusted."""
    if not entries or not context.capabilities.has("risk_adjustments", *ADJUSTMENTS_NEED, "adjusted_value"):
        return {}
    times = min(entries) - ADJUSTED_WITHIN, max(entries) + ADJUSTED_WITHIN
    rows = await context.connection.fetch(FACTORS, context.state.session.ids, *times)
    found = {}
    for at in entries:
        near = [row for row in rows if abs(row["timestamp"] - at) <= ADJUSTED_WITHIN]
        if near:
            found[at] = min(near, key=lambda row: (abs(row["timestamp"] - at), -row["id"]))["factor"]
    return found


def _opened(position: Position, factor: Decimal | None) -> Line:
    row = position.row
    quantity, entry, stop = _entered(row), finite(row["entry_price"]), position.first_stop
    risk = abs(entry - stop) * quantity if quantity is not None and entry is not None and stop is not None else None
    details = {**market_of(row), "quantity": quantity, "price": entry, "risk": risk, "factor": factor}
    return Line(time_of(row["entry_time"]), OPENED, int(str(row["id"])), details=details)


def _entered(row: Mapping[str, object]) -> Decimal | None:
    """The amount at the entry, in base currency."""
    quantity, size, balance, price = (
        finite(row[name]) for name in ("quantity", "size", "entry_balance", "entry_price")
    )
    if quantity is not None and quantity > 0:
        return quantity
    return abs(size) * balance / price if size is not None and balance is not None and price else None
