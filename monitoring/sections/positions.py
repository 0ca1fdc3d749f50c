"""Open Positions: what is held, at what price, how it stands, and the orders that guard it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg

from monitoring.database.capabilities import Capabilities, Columns, TableMissing
from monitoring.ledger.positions import NEEDS
from monitoring.metrics.facts import OpenPosition
from monitoring.sections.orders import orders_of
from monitoring.sections.section import Context, Section

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
    "trailing_stop": "bool",
    "trailing_stop_activated": "bool",
    "trailing_stop_price": "numeric",
    "breakeven_triggered": "bool",
    "entry_time": "timestamp",
    "last_update": "timestamp",
    "unrealized_pnl": "numeric",
    "unrealized_pnl_percent": "numeric",
    "mfe_price": "numeric",
    "mae_price": "numeric",
    "strategy_name": "text",
    "confidence_score": "numeric",
    "exchange": "text",
    "max_holding_until": "timestamp",
    "session_id": "bigint",
}
BY_ID = "SELECT {columns} FROM positions WHERE id = ANY($1::bigint[]) ORDER BY entry_time DESC, id DESC"


@dataclass(frozen=True, slots=True)
class Position:
    """One open position. Prices and P&L are None where the engine has not written them, or wrote NaN."""

    row: Mapping[str, object]
    orders: Sequence[asyncpg.Record]
    stale: bool
    """The engine has not priced it within its own limit."""

    @property
    def side(self) -> str:
        return str(self.row["side"]).lower()

    @property
    def held(self) -> Decimal | None:
        return held(self.row)

    @property
    def mfe(self) -> float | None:
        return excursion(self.row, "mfe_price")

    @property
    def mae(self) -> float | None:
        return excursion(self.row, "mae_price")


def excursion(row: Mapping[str, object], column: str) -> float | None:
    """How far the price went from the entry, in percent in the position's favour; None where it is unknown.

    Taken from the price, since the stored excursions of older rows hold another unit.
    """
    extreme, entry = row[column], row["entry_price"]
    if not isinstance(extreme, Decimal) or not isinstance(entry, Decimal) or not entry:
        return None
    direction = 1 if str(row["side"]).upper() in ("LONG", "BUY") else -1
    return float((extreme - entry) / entry) * 100 * direction


def clean(row: asyncpg.Record) -> dict[str, object]:
    """The row with NaN and infinite numerics as None."""
    return {key: None if isinstance(value, Decimal) and not value.is_finite() else value for key, value in row.items()}


async def read_positions(
    connection: asyncpg.Connection, capabilities: Capabilities, ids: Sequence[int]
) -> list[dict[str, object]]:
    """Whole rows by id, the latest entry first. Raises TableMissing."""
    capabilities.require("positions")
    query = BY_ID.format(columns=capabilities.columns("positions", POSITION))
    return [clean(row) for row in await connection.fetch(query, list(ids))]


def open_position(row: Mapping[str, object]) -> OpenPosition:
    """What the metrics need of a position's row."""
    priced = row["last_update"]
    return OpenPosition(
        id=int(str(row["id"])),
        symbol=str(row["symbol"]),
        side=str(row["side"]).upper(),
        entry_price=_decimal(row["entry_price"]),
        current_price=_decimal(row["current_price"]),
        quantity=held(row),
        unrealized=_decimal(row["unrealized_pnl"]) if _decimal(row["current_price"]) is not None else None,
        priced_at=priced if isinstance(priced, datetime) else None,
    )


def held(row: Mapping[str, object]) -> Decimal | None:
    """The amount held now, in base currency; None where it cannot be known.

    The engine leaves ``quantity`` as it was at entry and lets ``current_size`` shrink with partial exits (and grow
    with scale-ins). Where it wrote no quantity, the size is the share of the balance at entry.
    """
    quantity, current, original = (_decimal(row[name]) for name in ("quantity", "current_size", "original_size"))
    if quantity is not None:
        return quantity * current / original if current is not None and original else quantity
    size = current if current is not None else _decimal(row["size"])
    balance, price = _decimal(row["entry_balance"]), _decimal(row["entry_price"])
    return size * balance / price if size is not None and balance is not None and price else None


def _decimal(value: object) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


@dataclass(frozen=True, slots=True)
class PositionsView:
    positions: tuple[Position, ...]


async def load(context: Context) -> PositionsView:
    if not context.capabilities.has("positions", *NEEDS):
        raise TableMissing("positions")
    rows = await read_positions(context.connection, context.capabilities, context.ledger.positions.open_ids)
    orders = await orders_of(context.connection, context.capabilities, [int(str(row["id"])) for row in rows])
    limit = context.facts.health.limit_seconds

    def stale(row: Mapping[str, object]) -> bool:
        at = row["last_update"]
        return not isinstance(at, datetime) or (context.now - at).total_seconds() > limit

    return PositionsView(tuple(Position(row, orders.get(int(str(row["id"])), []), stale(row)) for row in rows))


SECTION = Section(
    "positions",
    "Open Positions",
    {"positions", "orders", "partial_trades", "trading_sessions"},
    load,
    needs=("positions",),
    ticks=30.0,
)
