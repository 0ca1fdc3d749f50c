"""Reads positions: their rows, their orders, and what their partial exits took."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.metrics.equity_now import is_fresh
from monitoring.metrics.facts import OpenPosition
from monitoring.metrics.guards import first_stop, stop_orders
from monitoring.metrics.position_row import excursion, finite, held, taken, valued
from monitoring.metrics.r_scale import in_r
from monitoring.projections.open_positions import NEEDS
from monitoring.sections.orders import orders_of
from monitoring.sections.section import Context

POSITION: Columns = {
    "id": "bigint",
    "symbol": "text",
    "side": "text",
    "entry_price": "numeric",
    "current_price": "numeric",
    "quantity": "numeric",
    "size": "numeric",
    "entry_balance": "numeric",
    "original_size": "numeric",
    "current_size": "numeric",
    "partial_exits_taken": "int",
    "scale_ins_taken": "int",
    "last_partial_exit_price": "numeric",
    "last_scale_in_price": "numeric",
    "stop_loss": "numeric",
    "take_profit": "numeric",
    "trailing_stop_activated": "bool",
    "trailing_stop_price": "numeric",
    "breakeven_triggered": "bool",
    "entry_time": "timestamp",
    "last_update": "timestamp",
    "unrealized_pnl": "numeric",
    "unrealized_pnl_percent": "numeric",
    "mfe": "numeric",
    "mae": "numeric",
    "mfe_price": "numeric",
    "mae_price": "numeric",
    "max_holding_until": "timestamp",
    "session_id": "bigint",
}
EXITS_NEED = ("position_id", "operation_type", "size", "price")
EXITS = """
SELECT position_id, {pnl} AS pnl, price, size FROM partial_trades
WHERE position_id = ANY($1::bigint[]) AND operation_type::text = 'PARTIAL_EXIT'
"""
BY_ID = "SELECT {columns} FROM positions WHERE id = ANY($1::bigint[]) ORDER BY entry_time DESC, id DESC"


@dataclass(frozen=True, slots=True)
class Position:
    """One open position. Prices and P&L are None where the engine has not written them, or wrote NaN."""

    row: Mapping[str, object]
    orders: Sequence[asyncpg.Record]
    stale: bool
    """Its price is not fresh."""
    realized: Decimal | None = None
    """P&L taken by partial exits, before costs."""

    @property
    def side(self) -> str | None:
        return lower(self.row["side"])

    @property
    def held(self) -> Decimal | None:
        return held(self.row)

    @property
    def mfe(self) -> float | None:
        return excursion(self.row, "mfe")

    @property
    def mae(self) -> float | None:
        return excursion(self.row, "mae")

    @property
    def first_stop(self) -> Decimal | None:
        """The stop as first placed; None where there was none, or none that limits a loss."""
        row = self.row
        return first_stop(finite(row["entry_price"]), row["side"], finite(row["stop_loss"]), stop_orders(self.orders))

    @property
    def r(self) -> Decimal | None:
        """Open P&L in units of what the first stop risked of what is held now."""
        open_pnl, entry = finite(self.row["unrealized_pnl"]), finite(self.row["entry_price"])
        return in_r(open_pnl, entry, self.first_stop, self.held)

    @property
    def stop_order(self) -> str | None:
        """Status of the stop order that is live now."""
        stops = stop_orders(self.orders)
        return stops.live if stops else None


def lower(side: object) -> str | None:
    """``LONG`` as ``long``."""
    return None if side is None else str(side).lower()


def clean(row: asyncpg.Record) -> dict[str, object]:
    """The row with NaN and infinite numerics as None."""
    unknown = [key for key, value in row.items() if isinstance(value, Decimal) and not value.is_finite()]
    return {**row, **dict.fromkeys(unknown)}


async def read_positions(
    connection: asyncpg.Connection, capabilities: Capabilities, ids: Sequence[int]
) -> list[dict[str, object]]:
    """Whole rows by id, the latest entry first. Raises TableMissing."""
    capabilities.require("positions")
    query = BY_ID.format(columns=capabilities.columns("positions", POSITION))
    return [valued(clean(row)) for row in await connection.fetch(query, list(ids))]


def open_position(row: Mapping[str, object]) -> OpenPosition:
    """What the metrics need of a position's row."""
    priced, opened = row["last_update"], row["entry_time"]
    return OpenPosition(
        id=int(str(row["id"])),
        symbol=str(row["symbol"] or ""),
        side=str(row["side"] or "").upper(),
        entry_price=finite(row["entry_price"]),
        current_price=finite(row["current_price"]),
        quantity=held(row),
        unrealized=finite(row["unrealized_pnl"]),
        priced_at=priced if isinstance(priced, datetime) else None,
        opened=opened if isinstance(opened, datetime) else None,
        stop=finite(row["stop_loss"]) or None,
    )


async def read_realized(
    connection: asyncpg.Connection, capabilities: Capabilities, rows: Sequence[Mapping[str, object]]
) -> dict[int, Decimal | None]:
    """By position the P&L that its partial exits took, before costs; None where it cannot be known."""
    readable = capabilities.has("partial_trades", *EXITS_NEED)
    exits = await read_exits(connection, capabilities, rows)
    return {int(str(row["id"])): _realized(row, exits[int(str(row["id"]))], readable) for row in rows}


async def read_exits(
    connection: asyncpg.Connection, capabilities: Capabilities, rows: Sequence[Mapping[str, object]]
) -> dict[int, list[tuple[Decimal | None, bool]]]:
    """By position what each of its partial exits took, None where that is not known, and whether it was written."""
    by_id = {int(str(row["id"])): row for row in rows}
    exits: dict[int, list[tuple[Decimal | None, bool]]] = {number: [] for number in by_id}
    parted = [number for number, row in by_id.items() if row["partial_exits_taken"] != 0]
    if parted and capabilities.has("partial_trades", *EXITS_NEED):
        query = EXITS.format(pnl=capabilities.column("partial_trades", "pnl", "numeric"))
        for exit in await connection.fetch(query, parted):
            number = int(exit["position_id"])
            exits[number].append((taken(by_id[number], exit), finite(exit["pnl"]) is not None))
    return exits


def _realized(
    row: Mapping[str, object], exits: Sequence[tuple[Decimal | None, bool]], readable: bool
) -> Decimal | None:
    if not exits:
        return Decimal(0) if row["partial_exits_taken"] == 0 or (readable and not row["partial_exits_taken"]) else None
    pnls = [pnl for pnl, _ in exits]
    return sum((pnl for pnl in pnls if pnl is not None), Decimal(0)) if None not in pnls else None


async def read_open(context: Context, detailed: Collection[int] | None = None) -> tuple[Position, ...]:
    """The open positions, the latest entry first; see :func:`read_held`."""
    return await read_held(context, context.state.positions.open_ids, detailed)


async def read_held(
    context: Context, ids: Sequence[int], detailed: Collection[int] | None = None
) -> tuple[Position, ...]:
    """Some of the open positions, the latest entry first. Orders and exits are read of ``detailed`` alone, else of all.

    Raises TableMissing.
    """
    context.capabilities.require_columns("positions", *NEEDS)
    rows = await read_positions(context.connection, context.capabilities, ids)
    whole = [row for row in rows if detailed is None or row["id"] in detailed]
    orders = await orders_of(context.connection, context.capabilities, [int(str(row["id"])) for row in whole])
    realized = await read_realized(context.connection, context.capabilities, whole)

    def position(row: Mapping[str, object]) -> Position:
        at, number = row["last_update"], int(str(row["id"]))
        stale = not isinstance(at, datetime) or not is_fresh(context.facts, at)
        return Position(row, orders.get(number, []), stale, realized.get(number))

    return tuple(map(position, rows))
