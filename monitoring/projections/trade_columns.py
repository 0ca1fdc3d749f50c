"""The closed trades of one session as columns in memory: any selection of them is found without the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import nan
from typing import Any

import asyncpg
import numpy as np
import numpy.typing as npt

from monitoring.projections.packed import Floats, Integers, floats, integers, moments
from monitoring.projections.times import BEGIN_OF_TIME, END_OF_TIME, microseconds

Positions = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.void]

LONG, SHORT, OTHER_SIDE = range(3)
SIDES = {"LONG": LONG, "SHORT": SHORT}

TRADE = np.dtype([("exit", "i8"), ("id", "i8"), ("net", "f8"), ("symbol", "i4"), ("side", "i1")])
"""``exit`` in microseconds since 1970 UTC; ``net`` NaN where it is unknown; ``symbol`` a place in the symbols."""
FIRST_ROOM_ROWS = 64


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in any order, each column of shape (trades,)."""

    ids: Integers
    exits: Integers
    """Microseconds since 1970 UTC."""
    nets: Floats
    sides: Integers
    symbols: Sequence[str]

    @classmethod
    def of(cls, records: Sequence[asyncpg.Record]) -> "Trades":
        """Those in some records of BY_DAY."""
        return cls(
            integers(row["ids"] for row in records),
            moments(row["exits"] for row in records),
            floats(row["nets"] for row in records),
            integers(row["sides"] for row in records),
            [symbol for row in records for symbol in row["symbols"]],
        )


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which trades, and in which order."""

    symbol: str | None = None
    """In whatever case."""
    side: str | None = None
    outcome: str | None = None
    """win, loss or breakeven, by net P&L."""
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, int] | None = None
    """Exit time and id of the trade before the first one wanted, in the order newest first."""
    sort: str = "exit_time"
    """One of SORTS."""
    limit: int = 25
    offset: int = 0

    @property
    def need(self) -> int:
        """How many trades must be found, those left out included."""
        return self.limit + self.offset


@dataclass(frozen=True, slots=True)
class TradeTable:
    """Trades by exit time, then id; they never change, whatever comes to the columns that they were taken from."""

    rows: Rows
    """Shape (trades,) of TRADE."""
    symbols: Sequence[str]

    def between(self, since: datetime, until: datetime) -> Rows:
        """Trades with ``since`` < exit time <= ``until``."""
        first, last = np.searchsorted(self.rows["exit"], [microseconds(since), microseconds(until)], side="right")
        return self.rows[first:last]

    def matching(self, wanted: TradeFilter) -> Positions:
        """Places of the trades that meet the filter, oldest first."""
        first, last = self._span(wanted)
        mask = self._mask(wanted, self.rows[first:last])
        return np.arange(first, last) if mask is None else np.flatnonzero(mask) + first

    def _span(self, wanted: TradeFilter) -> tuple[int, int]:
        since, until = wanted.since or BEGIN_OF_TIME, wanted.until or END_OF_TIME
        exits = self.rows["exit"]
        first = int(np.searchsorted(exits, microseconds(since), side="left"))
        last = int(np.searchsorted(exits, microseconds(until), side="right"))
        if wanted.after:
            at, number = microseconds(wanted.after[0]), wanted.after[1]
            left, right = (int(np.searchsorted(exits, at, side=side)) for side in ("left", "right"))
            last = min(last, left + int(np.searchsorted(self.rows["id"][left:right], number, side="left")))
        return first, max(first, last)

    def _mask(self, wanted: TradeFilter, rows: Rows) -> Mask | None:
        """None where all match."""
        masks: list[Mask] = []
        if wanted.symbol:
            codes = [code for code, symbol in enumerate(self.symbols) if symbol.upper() == wanted.symbol.upper()]
            masks.append(np.isin(rows["symbol"], codes))
        if wanted.side:
            masks.append(rows["side"] == SIDES.get(wanted.side.upper(), OTHER_SIDE))
        if wanted.outcome:
            sign = {"win": 1.0, "loss": -1.0, "breakeven": 0.0}[wanted.outcome]
            masks.append(np.sign(rows["net"]) == sign)
        return np.logical_and.reduce(masks) if masks else None


class TradeColumns:
    """Where trades are added. Cheapest at the end."""

    def __init__(self) -> None:
        self._symbols: list[str] = []
        self._codes: dict[str, int] = {}
        self._room = np.empty(FIRST_ROOM_ROWS, dtype=TRADE)
        self._count = 0
        self._shared = False
        """Whether a table lies in the same memory, which only grows then."""

    @property
    def table(self) -> TradeTable:
        """What there is now."""
        self._shared = True
        return TradeTable(self._room[: self._count], self._symbols)

    def add(self, trades: Trades) -> None:
        """Trades that are not there yet."""
        before = self._count
        self._make_room(len(trades.ids))
        self._count += len(trades.ids)
        added = self._room[before : self._count]
        order = np.lexsort((trades.ids, trades.exits))
        added["exit"], added["id"], added["side"] = trades.exits[order], trades.ids[order], trades.sides[order]
        added["net"] = np.where(np.isfinite(trades.nets), trades.nets, nan)[order]
        added["symbol"] = np.array([self._code(symbol) for symbol in trades.symbols], dtype=np.int32)[order]
        if before and len(added) and _key(self._room[before - 1]) > _key(added[0]):
            self._merge_in(before)

    def _merge_in(self, before: int) -> None:
        """Puts what was added behind place ``before`` where it belongs, beside the tables that were taken."""
        if self._shared:
            self._room, self._shared = self._room.copy(), False
        rows = self._room[: self._count]
        start = int(np.searchsorted(rows["exit"][:before], rows["exit"][before]))
        part = rows[start:]
        rows[start:] = part[np.lexsort((part["id"], part["exit"]))]

    def _make_room(self, more: int) -> None:
        needed = self._count + more
        if needed > len(self._room):
            room = np.empty(max(needed, len(self._room) * 5 // 4), dtype=TRADE)
            room[: self._count] = self._room[: self._count]
            self._room, self._shared = room, False

    def _code(self, symbol: str) -> int:
        code = self._codes.get(symbol)
        if code is None:
            code = self._codes[symbol] = len(self._symbols)
            self._symbols.append(symbol)
        return code


def _key(row: np.void) -> tuple[int, int]:
    return int(row["exit"]), int(row["id"])


NEWEST, OLDEST, BEST, WORST, BY_SYMBOL = "exit_time", "+exit_time", "pnl", "+pnl", "symbol"
SORTS = {
    "exit_time": NEWEST,
    "-exit_time": NEWEST,
    "+exit_time": OLDEST,
    "pnl": BEST,
    "-pnl": BEST,
    "+pnl": WORST,
    "symbol": BY_SYMBOL,
}


def select(parts: Sequence[TradeTable], wanted: TradeFilter) -> list[int]:
    """Ids of the wanted trades of several sessions, in the wanted order."""
    order = SORTS[wanted.sort]
    found = [_first(part, part.matching(wanted), order, wanted.need) for part in parts]
    rows = np.concatenate(
        [part.rows[places] for part, places in zip(parts, found, strict=True)] or [np.empty(0, TRADE)]
    )
    names = [
        part.symbols[code] for part, places in zip(parts, found, strict=True) for code in part.rows["symbol"][places]
    ]
    ranked = rows["id"][_ranking(rows, names, order)]
    return [int(number) for number in ranked[wanted.offset : wanted.need]]


def _first(part: TradeTable, places: Positions, order: str, need: int) -> Positions:
    """Those of ``places``, oldest first, of which at most ``need`` can be among the first ``need`` of all."""
    if order == NEWEST:
        return places[len(places) - min(need, len(places)) :]
    if order == OLDEST:
        return places[:need]
    if len(places) <= need:
        return places
    if order == BY_SYMBOL:
        return _first_by_symbol(part, places, need)
    net = part.rows["net"][places]
    worst = np.argpartition(np.where(np.isnan(net), np.inf, -net if order == BEST else net), need - 1)
    limit = net[worst[need - 1]]
    if np.isnan(limit):
        return places
    # Ties at the limit are kept: exit time and id decide between them.
    good_enough: Mask = net >= limit if order == BEST else net <= limit
    return places[good_enough]


def _first_by_symbol(part: TradeTable, places: Positions, need: int) -> Positions:
    """The newest of each symbol, of so many symbols as are needed."""
    codes = part.rows["symbol"][places]
    found: list[Positions] = []
    for _, code in sorted((part.symbols[code], code) for code in np.unique(codes)):
        found.append(places[codes == code][-need:])
        if sum(map(len, found)) >= need:
            break
    return np.concatenate(found)


def _ranking(rows: Rows, names: list[str], order: str) -> Positions:
    """Places of the rows in the wanted order."""
    newest_first = (-rows["id"], -rows["exit"])
    oldest_first = (rows["id"], rows["exit"])
    unknown = np.isnan(rows["net"])
    net = np.where(unknown, 0.0, rows["net"])
    keys: dict[str, tuple[npt.NDArray[Any], ...]] = {
        NEWEST: newest_first,
        OLDEST: oldest_first,
        BY_SYMBOL: (*newest_first, np.array(names, dtype=np.str_)),
        BEST: (*newest_first, -net, unknown),
        WORST: (*oldest_first, net, unknown),
    }
    ranking: Positions = np.lexsort(keys[order])
    return ranking
