"""The closed trades of one session as columns in memory: any selection of them is found without the database."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import nan
from typing import Any

import asyncpg
import numpy as np
import numpy.typing as npt

from monitoring.metrics.facts import Risk
from monitoring.projections.packed import Floats, Integers, floats, integers, moments
from monitoring.projections.times import BEGIN_OF_TIME, END_OF_TIME, microseconds
from monitoring.projections.words import Words

Positions = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.void]

LONG, SHORT, OTHER_SIDE = range(3)
SIDES = {"LONG": LONG, "SHORT": SHORT}

TRADE = np.dtype([
    ("exit", "i8"), ("id", "i8"), ("net", "f8"), ("r", "f4"), ("seconds", "i4"), ("position", "u4"), ("symbol", "u2"),
    ("reason", "u2"), ("side", "i1"), ("risk", "f4"),
])  # fmt: skip
"""45 bytes. ``exit`` in microseconds since 1970 UTC; ``net``, ``r`` and ``risk`` (a share of the balance at entry) NaN
where they are unknown; ``seconds`` from entry to exit; ``position`` 0 where none is named; ``symbol`` and ``reason``
are codes of TradeWords."""
MAX_POSITION_ID = 2**32 - 1
FIRST_ROOM_ROWS = 64


@dataclass(frozen=True, slots=True)
class TradeWords:
    """The words of the trades of all sessions."""

    symbols: Words = field(default_factory=Words)
    reasons: Words = field(default_factory=Words)
    """Why trades were closed."""


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in any order, each column of shape (trades,)."""

    ids: Integers
    exits: Integers
    """Microseconds since 1970 UTC."""
    nets: Floats
    rs: Floats
    risks: Floats
    seconds: Integers
    """From entry to exit."""
    positions: Integers
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
            floats(row["rs"] for row in records),
            floats(row["risks"] for row in records),
            integers(row["seconds"] for row in records),
            integers(row["positions"] for row in records),
            integers(row["sides"] for row in records),
            [symbol for row in records for symbol in row["symbols"]],
            [reason for row in records for reason in row["reasons"]],
        )


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which trades, and in which order."""

    symbol: str | None = None
    """In whatever case."""
    side: str | None = None
    exit_reason: str | None = None
    """In whatever case."""
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
    """Trades by exit time, then id; whatever comes to the columns that they were taken from.

    Only ``r`` and ``risk`` change.
    """

    rows: Rows
    """Shape (trades,) of TRADE."""
    words: TradeWords

    def between(self, since: datetime, until: datetime) -> Rows:
        """Trades with ``since`` < exit time <= ``until``."""
        first, last = np.searchsorted(self.rows["exit"], [microseconds(since), microseconds(until)], side="right")
        return self.rows[first:last]

    def matching(self, wanted: TradeFilter) -> Positions:
        """Places of the trades that meet the filter, oldest first."""
        first, last = self._span(wanted)
        mask = self._mask(wanted, self.rows[first:last])
        return np.arange(first, last) if mask is None else np.flatnonzero(mask) + first

    def r(self, exited: datetime, number: int) -> float:
        """R of the trade of this exit time and id; NaN where it is not there, or unknown."""
        first, last = (
            int(np.searchsorted(self.rows["exit"], microseconds(exited), side)) for side in ("left", "right")
        )
        found = self.rows["r"][first:last][self.rows["id"][first:last] == number]
        return float(found[0]) if len(found) else nan

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
            masks.append(np.isin(rows["symbol"], self.words.symbols.like(wanted.symbol)))
        if wanted.exit_reason:
            masks.append(np.isin(rows["reason"], self.words.reasons.like(wanted.exit_reason)))
        if wanted.side:
            masks.append(rows["side"] == SIDES.get(wanted.side.upper(), OTHER_SIDE))
        if wanted.outcome:
            sign = {"win": 1.0, "loss": -1.0, "breakeven": 0.0}[wanted.outcome]
            masks.append(np.sign(rows["net"]) == sign)
        return np.logical_and.reduce(masks) if masks else None


class TradeColumns:
    """Where trades are added. Cheapest at the end."""

    def __init__(self, words: TradeWords) -> None:
        self._words = words
        self._room = np.empty(FIRST_ROOM_ROWS, dtype=TRADE)
        self._count = 0
        self._shared = False
        """Whether a table lies in the same memory, which only grows then."""

    @property
    def table(self) -> TradeTable:
        """What there is now."""
        self._shared = True
        return TradeTable(self._room[: self._count], self._words)

    def add(self, trades: Trades) -> None:
        """Trades that are not there yet."""
        before = self._count
        self._make_room(len(trades.ids))
        self._count += len(trades.ids)
        added = self._room[before : self._count]
        order = np.lexsort((trades.ids, trades.exits))
        for name, values in self._values(trades).items():
            added[name] = values[order]
        if before and len(added) and _key(self._room[before - 1]) > _key(added[0]):
            self._merge_in(before)

    def _values(self, trades: Trades) -> dict[str, npt.NDArray[Any]]:
        """By column of TRADE."""
        unnamed = (trades.positions < 0) | (trades.positions > MAX_POSITION_ID)
        return {
            "exit": trades.exits,
            "id": trades.ids,
            "net": np.where(np.isfinite(trades.nets), trades.nets, nan),
            "r": np.where(np.isfinite(trades.rs), trades.rs, nan),
            "risk": np.where(np.isfinite(trades.risks), trades.risks, nan),
            "seconds": trades.seconds,
            "position": np.where(unnamed, 0, trades.positions),
            "symbol": self._words.symbols.codes(trades.symbols),
            "reason": self._words.reasons.codes(reason or "" for reason in trades.reasons),
            "side": trades.sides,
        }

    def naming(self, positions: Collection[int], since: datetime) -> list[int]:
        """Ids of the trades that name one of the positions, or were entered after ``since``, give or take a second."""
        rows = self._room[: self._count]
        wanted = [position for position in positions if 0 < position <= MAX_POSITION_ID]
        # Entries are no column: what was closed before was entered before.
        later = rows[int(np.searchsorted(rows["exit"], microseconds(since))) :]
        entered = later["exit"] - (later["seconds"] + 1).astype(np.int64) * 1_000_000 >= microseconds(since) - 2_000_000
        named = rows["id"][np.isin(rows["position"], np.array(wanted, np.uint32))]
        return [int(number) for number in np.union1d(named, later["id"][entered])]

    def correct_risk(self, found: dict[int, tuple[float, float]]) -> None:
        """Sets R and risk of some trades, by id; tables that were taken show it, too."""
        rows = self._room[: self._count]
        for place in np.flatnonzero(np.isin(rows["id"], list(found))):
            rows["r"][place], rows["risk"][place] = found[int(rows["id"][place])]

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


def risk_of(tables: Iterable[TradeTable]) -> Risk | None:
    """What the trades of some tables risked; None where none of them has a first stop."""
    risks = np.concatenate([table.rows["risk"] for table in tables] or [np.empty(0)]).astype(np.float64)
    known = risks[np.isfinite(risks)]
    return Risk(float(known.mean()), float(np.median(known))) if len(known) else None


def _key(row: np.void) -> tuple[int, int]:
    return int(row["exit"]), int(row["id"])
