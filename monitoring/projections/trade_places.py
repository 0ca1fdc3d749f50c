"""Single trades found in the columns in memory: the neighbours of one, the one that closed a position."""

from datetime import datetime
from typing import NamedTuple

import numpy as np

from monitoring.projections.packed import Floats
from monitoring.projections.times import microseconds
from monitoring.projections.trade_columns import MAX_POSITION_ID, SIDES, TradeFilter, TradeTable
from monitoring.projections.trades import ScopeTrades


class NamedTrade(NamedTuple):
    """What a link to a trade says of it."""

    id: int
    symbol: str
    side: str | None
    """LONG or SHORT."""


def beside(trades: ScopeTrades, exited: datetime, number: int) -> tuple[NamedTrade | None, NamedTrade | None]:
    """The trades closed just before and just after the one of this exit time and id."""
    place = microseconds(exited), number
    earlier, later = [], []
    for table in trades.tables:
        before, after = _around(table, *place)
        earlier += [(_key(table, at), table, at) for at in (before - 1,) if at >= 0]
        later += [(_key(table, at), table, at) for at in (after,) if at < len(table.rows)]
    first, last = max(earlier, key=lambda one: one[0], default=None), min(later, key=lambda one: one[0], default=None)
    return first and _named(*first[1:]), last and _named(*last[1:])


def closing(trades: ScopeTrades, position: int) -> int | None:
    """Id of the newest trade that names a position; None where none does, or it is not read yet."""
    if position > MAX_POSITION_ID:
        return None
    found = [table.rows["id"][table.rows["position"] == position] for table in trades.tables]
    return max((int(number) for ids in found for number in ids), default=None)


def nets(trades: ScopeTrades, wanted: TradeFilter) -> Floats:
    """Net P&L of the trades that meet a filter, shape (trades,), in any order; NaN where it is unknown."""
    found = [table.rows["net"][table.matching(wanted)] for table in trades.tables]
    return np.concatenate(found or [np.empty(0)])


def _around(table: TradeTable, exited: int, number: int) -> tuple[int, int]:
    """How many trades come before one of this exit time and id, and how many up to it."""
    exits = table.rows["exit"]
    first, last = int(np.searchsorted(exits, exited)), int(np.searchsorted(exits, exited, side="right"))
    ids = table.rows["id"][first:last]
    return first + int(np.searchsorted(ids, number)), first + int(np.searchsorted(ids, number, side="right"))


def _key(table: TradeTable, place: int) -> tuple[int, int]:
    return int(table.rows["exit"][place]), int(table.rows["id"][place])


def _named(table: TradeTable, place: int) -> NamedTrade:
    row, sides = table.rows[place], {code: name for name, code in SIDES.items()}
    return NamedTrade(int(row["id"]), table.words.symbols.word(int(row["symbol"])), sides.get(int(row["side"])))
