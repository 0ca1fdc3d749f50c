"""The same figures once more, the plain way: all rows in memory, one loop a figure."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import asyncpg

from tests.projections import flow_reference

HISTORY = "SELECT * FROM account_history WHERE session_id = $1 ORDER BY timestamp, id"
TRADES = "SELECT * FROM trades WHERE session_id = $1 ORDER BY exit_time, id"
BOOKINGS = "SELECT * FROM account_balances WHERE session_id = $1 ORDER BY last_updated, id"


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
    history, balances = await connection.fetch(HISTORY, session), await connection.fetch(BOOKINGS, session)
    sessions = await connection.fetch("SELECT * FROM trading_sessions WHERE id = $1", session)
    snapshots = flow_reference.snapshots(history, balances)
    prices = flow_reference.curve(flow_reference.Books(sessions, balances, history), snapshots)
    closes, peak, current, maximum = {}, initial, 0.0, 0.0
    last = float("nan")
    for row, price in zip(snapshots, prices, strict=True):
        last, peak = price, max(peak, price)
        current = (1 - price / peak) * 100
        maximum = max(maximum, current)
        closes[row["timestamp"].date()] = float(row["equity"]), last
    closed = [(row["exit_time"], value) for row, value in zip(trades, net, strict=True)]
    of_all = ((value, row["exit_time"], row["id"]) for value, row in zip(net, trades, strict=True))
    worst = [number for _, _, number in sorted(trade for trade in of_all if not trade[0].is_nan())]
    return Figures(closed, known, len(net) - len(known), worst[::-1], worst, closes, current, maximum)
