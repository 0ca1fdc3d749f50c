"""Single trades found in the columns in memory: the neighbours of one, the one that closed a position."""

from datetime import datetime
from typing import NamedTuple

from monitoring.projections.trade_columns import MAX_POSITION_ID, TradeTable
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


def _key(table: TradeTable, place: int) -> tuple[int, int]:
    return int(table["exit"][place]), int(table["id"][place])


def _named(table: TradeTable, place: int) -> NamedTrade:
    kind = int(table["kind"][place])
    return NamedTrade(int(table["id"][place]), table.kinds.symbol(kind), table.kinds.side(kind))
