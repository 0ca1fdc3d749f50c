"""The same figures once more, the plain way: all rows in memory, one loop a figure."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import asyncpg

HISTORY = "SELECT * FROM account_history WHERE session_id = $1 ORDER BY timestamp, id"
TRADES = "SELECT * FROM trades WHERE session_id = $1 ORDER BY exit_time, id"
BOOKINGS = "SELECT * FROM account_balances WHERE session_id = $1 ORDER BY last_updated, id"


class Flow(NamedTuple):
    at: datetime
    amount: Decimal
    after: Decimal


class Figures(NamedTuple):
    """Money as Decimal; drawdowns in percent."""

    closed: list[tuple[datetime, Decimal]]
    """When each trade closed, and its net profit or NaN, oldest first."""
    net: list[Decimal]
    """Of every trade that is known, oldest first."""
    unknown: int
    best: list[int]
    worst: list[int]
    """Ids of the trades, the best and the worst first; of those that are known."""
    closes: dict[date, tuple[float, float]]
    """Equity and unit price at the end of each day that has any."""
    current: float
    maximum: float


async def figures(connection: asyncpg.Connection, session: int, initial: float) -> Figures:
    trades = await connection.fetch(TRADES, session)
    net = [row["pnl"] - (row["commission"] or 0) - (row["margin_interest_cost"] or 0) for row in trades]
    known = [value for value in net if not value.is_nan()]
    snapshots = [row for row in await connection.fetch(HISTORY, session) if _is_real(row)]
    prices = _unit_prices(snapshots, await flows(connection, session), initial)
    closes, peak, current, maximum = {}, initial, 0.0, 0.0
    last = float("nan")
    for row, price in zip(snapshots, prices, strict=True):
        if price is not None:
            last, peak = price, max(peak, price)
            current = (1 - price / peak) * 100
            maximum = max(maximum, current)
        closes[row["timestamp"].date()] = float(row["equity"]), last
    closed = [(row["exit_time"], value) for row, value in zip(trades, net, strict=True)]
    of_all = ((value, row["exit_time"], row["id"]) for value, row in zip(net, trades, strict=True))
    worst = [number for _, _, number in sorted(trade for trade in of_all if not trade[0].is_nan())]
    return Figures(closed, known, len(net) - len(known), worst[::-1], worst, closes, current, maximum)


def _is_real(row: asyncpg.Record) -> bool:
    booked = row["daily_pnl"] and not row["total_pnl"] and row["equity"] == row["balance"]
    return not booked and not row["equity"].is_nan()


async def flows(connection: asyncpg.Connection, session: int) -> list[Flow]:
    """Bookings that say so."""
    found, before = [], None
    for row in await connection.fetch(BOOKINGS, session):
        if before is not None and row["update_reason"] in ("deposit", "withdrawal") and row["total_balance"] != before:
            found.append(Flow(row["last_updated"], row["total_balance"] - before, row["total_balance"]))
        before = row["total_balance"]
    return sorted(found)


def _unit_prices(snapshots: list[asyncpg.Record], pending: list[Flow], initial: float) -> list[float | None]:
    """Who pays in buys units at their price, who takes out sells; the account's price is what it holds a unit."""
    units, held, price, found = 1.0, initial, initial, []
    pending = list(pending)
    for row in snapshots:
        while pending and pending[0].at <= row["timestamp"]:
            flow = pending.pop(0)
            if units and held > 0:
                price = held / units
            held = 0.0 if not flow.after else held + float(flow.amount)
            units = max(held, 0.0) / price
        held = float(row["equity"])
        found.append(held / units if units else None)
    return found
