"""Reads what guards the open positions: their stops, and the orders placed for them."""

from datetime import datetime

from monitoring.metrics.guards import Guarded
from monitoring.metrics.position_row import finite
from monitoring.sections.orders import orders_of
from monitoring.sections.positions import Position, read_positions
from monitoring.sections.section import Reading


async def read_guarded(reading: Reading) -> tuple[Guarded, ...] | None:
    """None where the positions cannot be read."""
    if not reading.state.positions.counted:
        return None
    ids = reading.state.positions.open_ids
    rows = await read_positions(reading.connection, reading.capabilities, ids) if ids else []
    orders = await orders_of(reading.connection, reading.capabilities, ids)
    return tuple(_guarded(Position(row, orders.get(int(str(row["id"])), []), stale=False)) for row in rows)


def _guarded(position: Position) -> Guarded:
    row = position.row
    return Guarded(
        id=int(str(row["id"])),
        symbol=str(row["symbol"] or f"position {row['id']}"),
        opened=_moment(row["entry_time"]),
        price=finite(row["current_price"]),
        priced_at=_moment(row["last_update"]),
        stop=finite(row["stop_loss"]) or None,
        has_live_order=position.stop_order is not None,
        has_stop_orders=position.has_stop_orders,
        first_stop=position.first_stop,
    )


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
