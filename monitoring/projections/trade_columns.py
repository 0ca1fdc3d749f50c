"""The closed trades of one session as columns in memory: any selection of them is found without the database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import nan
from typing import Any, NamedTuple

import asyncpg
import numpy as np
import numpy.typing as npt

from monitoring.projections.packed import Floats, Integers, floats, integers, moments
from monitoring.projections.times import END_OF_TIME, microseconds
from monitoring.projections.trade_index import TradeIndex
from monitoring.projections.trade_kinds import TradeKinds

Columns = Mapping[str, npt.NDArray[Any]]

TRADE = {"exit": "i8", "id": "i8", "net": "f8", "costs": "f8", "r": "f4", "seconds": "i4", "position": "u4",
         "kind": "u4", "risk": "f4", "needs_balance": "?"}  # fmt: skip
"""53 bytes. ``exit`` in microseconds since 1970 UTC; ``net``, ``r`` and ``risk`` (a share of the balance at entry) NaN
where they are unknown, ``costs`` 0 where net is; ``seconds`` from entry to exit; ``position`` 0 where none is named;
``kind`` is a number of TradeKinds; ``needs_balance``: whether ``r`` or ``risk`` depends on booked balances."""
MAX_POSITION_ID = 2**32 - 1
FIRST_ROOM_ROWS = 64


class TradeRisk(NamedTuple):
    """The columns of a trade that change; see TRADE."""

    r: float
    risk: float
    needs_balance: bool


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in any order, each column of shape (trades,)."""

    ids: Integers
    exits: Integers
    """Microseconds since 1970 UTC."""
    nets: Floats
    costs: Floats
    rs: Floats
    risks: Floats
    seconds: Integers
    """From entry to exit."""
    positions: Integers
    needing: Integers
    """1 where the risk depends on balances that were booked, else 0."""
    sides: Integers
    symbols: Sequence[str]
    reasons: Sequence[str | None]

    @classmethod
    def of(cls, records: Sequence[asyncpg.Record]) -> "Trades":
        """Those in some records of BY_DAY."""
        return cls(
            integers(row["ids"] for row in records),
            moments(row["exits"] for row in records),
            floats(row["nets"] for row in records),
            floats(row["costs"] for row in records),
            floats(row["rs"] for row in records),
            floats(row["risks"] for row in records),
            integers(row["seconds"] for row in records),
            integers(row["positions"] for row in records),
            integers(row["needing"] for row in records),
            integers(row["sides"] for row in records),
            [symbol for row in records for symbol in row["symbols"]],
            [reason for row in records for reason in row["reasons"]],
        )


@dataclass(frozen=True, slots=True)
class TradeTable:
    """Trades by exit time, then id; whatever comes to the columns that they were taken from.

    Only ``r`` and ``risk`` change.
    """

    columns: Columns
    """Those of TRADE, each of shape (trades,)."""
    kinds: TradeKinds
    index: TradeIndex = field(default_factory=TradeIndex)

    def __len__(self) -> int:
        return len(self.columns["id"])

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    @property
    def needing_balance(self) -> list[int]:
        """Ids of the trades whose risk depends on balances that were booked."""
        return [int(number) for number in self["id"][self["needs_balance"]]]

    def with_risks(self, found: Mapping[int, TradeRisk]) -> "TradeTable":
        """The same with other risks of some trades, by id."""
        columns = {**self.columns, **{name: self[name].copy() for name in TradeRisk._fields}}
        for place in np.flatnonzero(np.isin(self["id"], list(found))):
            _correct(columns, int(place), found)
        return TradeTable(columns, self.kinds, TradeIndex())

    def between(self, since: datetime, until: datetime = END_OF_TIME) -> Columns:
        """The columns of the trades with ``since`` < exit time <= ``until``."""
        part = slice(self.place(since, "right"), self.place(until, "right"))
        return {name: column[part] for name, column in self.columns.items()}

    def place(self, exit: datetime, side: str = "left") -> int:
        """Before how many trades those are that were closed before a moment, with "right" up to it."""
        return int(np.searchsorted(self["exit"], microseconds(exit), "right" if side == "right" else "left"))

    def places_of(self, exit: datetime, number: int) -> tuple[int, int]:
        """How many trades come before the one of this exit time and id, and how many up to it."""
        first, last = self.place(exit), self.place(exit, "right")
        before = first + int(np.searchsorted(self["id"][first:last], number))
        return before, before + int(before < last and self["id"][before] == number)

    def r(self, exited: datetime, number: int) -> float:
        """R of the trade of this exit time and id; NaN where it is not there, or unknown."""
        place, after = self.places_of(exited, number)
        return float(self["r"][place]) if place < after else nan


class TradeColumns:
    """Where trades are added. Cheapest at the end."""

    def __init__(self, kinds: TradeKinds) -> None:
        self._kinds = kinds
        self._room: Columns = _room_for(FIRST_ROOM_ROWS)
        self._count = 0
        self._index = TradeIndex()
        self._table: TradeTable | None = None
        self._shared = False
        """Whether a table lies in the same memory, which only grows then."""
        self.any_needs_balance = False
        """Whether the risk of a trade depends, or did, on balances that were booked."""

    @property
    def table(self) -> TradeTable:
        """What there is now."""
        if self._table is None:
            self._table = TradeTable(self._rows(), self._kinds, self._index)
        self._shared = True
        return self._table

    def _rows(self, first: int = 0) -> Columns:
        return {name: column[first : self._count] for name, column in self._room.items()}

    def newest_ids(self, count: int) -> set[int]:
        """Of the trades that were closed last."""
        return {int(number) for number in self._rows()["id"][-count:]}

    def add(self, trades: Trades) -> None:
        """Trades that are not there yet."""
        before = self._count
        self._table = None
        self._make_room(len(trades.ids))
        self._count += len(trades.ids)
        added = self._rows(before)
        order = np.lexsort((trades.ids, trades.exits))
        with np.errstate(over="ignore"):  # what no float can hold is infinite, and so no number that is shown
            for name, values in self._values(trades).items():
                added[name][:] = values[order]
        self.any_needs_balance |= bool(added["needs_balance"].any())
        if before and len(order) and self._key(before - 1) > self._key(before):
            self._merge_in(before)

    def _key(self, place: int) -> tuple[int, int]:
        return int(self._room["exit"][place]), int(self._room["id"][place])

    def _values(self, trades: Trades) -> Columns:
        """By column of TRADE."""
        unnamed = (trades.positions < 0) | (trades.positions > MAX_POSITION_ID)
        nets = np.where(np.isfinite(trades.nets), trades.nets, nan)
        reasons = (reason or "" for reason in trades.reasons)
        return {
            "exit": trades.exits,
            "id": trades.ids,
            "net": nets,
            "costs": np.where(np.isfinite(nets + trades.costs), trades.costs, 0),
            "r": np.where(np.isfinite(trades.rs), trades.rs, nan),
            "risk": np.where(np.isfinite(trades.risks), trades.risks, nan),
            "seconds": trades.seconds,
            "position": np.where(unnamed, 0, trades.positions),
            "kind": self._kinds.numbers(trades.symbols, reasons, trades.sides, nets),
            "needs_balance": trades.needing.astype(np.bool_),
        }

    def naming(self, positions: Collection[int], since: datetime) -> list[int]:
        """Ids of the trades that name one of the positions, or whose risk depends on balances booked since a moment."""
        rows = self._rows()
        wanted = [position for position in positions if 0 < position <= MAX_POSITION_ID]
        # Entries are no column, and known to a second: what was closed before was entered before.
        start = int(np.searchsorted(rows["exit"], microseconds(since)))
        exits, seconds = rows["exit"][start:], rows["seconds"][start:]
        entered = exits - (seconds + 1).astype(np.int64) * 1_000_000 >= microseconds(since) - 2_000_000
        entered &= rows["needs_balance"][start:]
        named = rows["id"][np.isin(rows["position"], np.array(wanted, np.uint32))]
        return [int(number) for number in np.union1d(named, rows["id"][start:][entered])]

    def correct_risk(self, found: Mapping[int, TradeRisk]) -> None:
        """Sets the risk of some trades, by id; tables that were taken show it, too."""
        rows = self._rows()
        self.any_needs_balance |= any(risk.needs_balance for risk in found.values())
        for place in np.flatnonzero(np.isin(rows["id"], list(found))):
            before = rows["r"][place], rows["risk"][place]
            _correct(rows, int(place), found)
            if not np.array_equal(before, (rows["r"][place], rows["risk"][place]), equal_nan=True):
                self._index.forget_r(int(place))

    def _merge_in(self, before: int) -> None:
        """Puts what was added behind place ``before`` where it belongs, beside the tables that were taken."""
        if self._shared:
            self._room, self._shared = {name: column.copy() for name, column in self._room.items()}, False
        start = int(np.searchsorted(self._room["exit"][:before], self._room["exit"][before]))
        part = self._rows(start)
        order = np.lexsort((part["id"], part["exit"]))
        for column in part.values():
            column[:] = column[order]
        self._index = TradeIndex()

    def _make_room(self, more: int) -> None:
        needed, rows = self._count + more, len(self._room["id"])
        if needed > rows:
            before = self._rows()
            self._room, self._shared = _room_for(max(needed, rows * 5 // 4)), False
            for name, column in before.items():
                self._room[name][: self._count] = column


def _correct(rows: Columns, place: int, found: Mapping[int, TradeRisk]) -> None:
    for name, value in found[int(rows["id"][place])]._asdict().items():
        rows[name][place] = value


def _room_for(rows: int) -> Columns:
    return {name: np.empty(rows, kind) for name, kind in TRADE.items()}
