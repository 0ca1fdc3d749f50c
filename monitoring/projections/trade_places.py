"""Single trades found in the columns in memory: the neighbours of one, the one that closed a position."""

from datetime import datetime
from typing import NamedTuple

import numpy as np

from monitoring.projections.packed import Floats
from monitoring.projections.trade_columns import MAX_POSITION_ID, TradeTable
from monitoring.projections.trade_filter import TradeFilter
from monitoring.projections.trade_selection import parts_of
from monitoring.projections.trades import ScopeTrades


class NamedTrade(NamedTuple):
    """What a link to a trade says of it."""

    id: int
    symbol: str
    side: str | None
    """LONG or SHORT."""


def beside(trades: ScopeTrades, exited: datetime, number: int) -> tuple[NamedTrade | None, NamedTrade | None]:
    """The trades closed just before and just after the one of this exit time and id."""
    earlier, later = [], []
    for table in trades.tables.values():
        before, after = table.places_of(exited, number)
        earlier += [(_key(table, at), table, at) for at in (before - 1,) if at >= 0]
        later += [(_key(table, at), table, at) for at in (after,) if at < len(table)]
    first, last = max(earlier, key=lambda one: one[0], default=None), min(later, key=lambda one: one[0], default=None)
    return first and _named(*first[1:]), last and _named(*last[1:])


def closing(trades: ScopeTrades, position: int) -> int | None:
    """Id of the newest trade that names a position; None where none does, or it is not read yet."""
    if position > MAX_POSITION_ID:
        return None
    found = (table["id"][table["position"] == position] for table in trades.tables.values())
    return max((int(number) for ids in found for number in ids), default=None)


def nets(trades: ScopeTrades, wanted: TradeFilter) -> Floats:
    """Net P&L of the trades that meet a filter, shape (trades,), in any order; NaN where it is unknown."""
    found = [part.table["net"][part.places()] for part in parts_of(trades.tables, wanted)]
    return np.concatenate(found or [np.empty(0)])


def _key(table: TradeTable, place: int) -> tuple[int, int]:
    return int(table["exit"][place]), int(table["id"][place])


def _named(table: TradeTable, place: int) -> NamedTrade:
    kind = int(table["kind"][place])
    return NamedTrade(int(table["id"][place]), table.kinds.symbol(kind), table.kinds.side(kind))
