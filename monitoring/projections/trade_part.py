"""What one session's trades have of a selection: sums, and the trades that may be on the wanted page."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from monitoring.projections.packed import Floats
from monitoring.projections.times import BEGIN_OF_TIME, END_OF_TIME
from monitoring.projections.trade_columns import TradeTable
from monitoring.projections.trade_filter import BY_SYMBOL, TradeFilter
from monitoring.projections.trade_index import COUNT, MAX_UNSORTED_ROWS, ByAmount, Places
from monitoring.projections.trade_kinds import Mask

FIRST_CHUNK_ROWS = 1024
MAX_SORTED_MATCHES = 4096
"""So few matches among many rows are all found and sorted; more are soon met on a walk through the order."""

Bounds = tuple[int, int]
"""The first of some places, and the one behind the last."""
Walk = Iterator[Places]
"""Places of wanted rows, chunk by chunk, the nearest to the page first."""


@dataclass(frozen=True, slots=True)
class Part:
    """The trades of one session that are wanted: of some kinds, from one row up to another."""

    table: TradeTable
    wanted: TradeFilter
    kinds: Mask
    first: int
    last: int

    @classmethod
    def of(cls, table: TradeTable, wanted: TradeFilter, kinds: Mask) -> "Part":
        first = table.place(wanted.since or BEGIN_OF_TIME)
        last = table.place(wanted.until or END_OF_TIME, "right")
        return cls(table, wanted, kinds, first, max(first, last))

    def sums(self) -> Floats:
        """Sums by kind, shape (5, kinds), of kinds that are not wanted 0. See ``TradeIndex``."""
        found = self.table.index.sums(self.table.columns, self.first, self.last, len(self.kinds))
        return np.where(self.kinds, found, 0.0)

    def nearest(self) -> Places:
        """The wanted trades of which at most ``need`` can be among the first ``need`` of all sessions, in no order."""
        matches = int(self.sums()[COUNT].sum())
        if not matches:
            return np.empty(0, np.intp)
        if self.wanted.order == BY_SYMBOL:
            return self._by_symbol()
        walks = [self._by_time()] if self.wanted.amount is None else self._by_amount(self.wanted.amount, matches)
        return _joined(_start(walk, min(self.wanted.need, matches)) for walk in walks)

    def _by_time(self) -> Walk:
        bounds = self.first, self.last
        if self.wanted.cursor is not None:
            bounds = self._beyond(bounds, self.table.places_of(self.wanted.cursor.exit, self.wanted.cursor.id))
        return self._walk(np.arange, bounds)

    def _by_symbol(self) -> Places:
        """The newest of each symbol, of so many symbols as are needed."""
        kinds, found = self.table.kinds, list[Places]()
        codes = np.unique(kinds.symbol_codes[self.sums()[COUNT] > 0])
        for _, code in sorted((kinds.symbols.word(code), code) for code in codes):
            one = replace(self, kinds=self.kinds & (kinds.symbol_codes == code))
            found.append(_start(one._by_time(), self.wanted.need))
            if sum(map(len, found)) >= self.wanted.need:
                break
        return _joined(found)

    def _by_amount(self, amount: str, matches: int) -> list[Walk]:
        index, rows = self.table.index, self.table[amount]
        ordered = min(index.sorted_rows(amount), len(rows))
        if not ordered or min(self.last - self.first - MAX_UNSORTED_ROWS, matches - MAX_SORTED_MATCHES) <= 0:
            return [self._by_order(ByAmount.of(rows, self.places()))]
        # Rows that were added since the order was found are put in order by themselves.
        newer = ByAmount.of(rows, replace(self, first=max(self.first, ordered)).places())
        return [self._by_order(index.by_amount(amount)), self._by_order(newer)]

    def places(self) -> Places:
        """Of all wanted rows, oldest first."""
        return self.first + np.flatnonzero(self.kinds[self.table["kind"][self.first : self.last]])

    def _by_order(self, ordered: ByAmount) -> Walk:
        known, unknown = self._bounds(ordered)
        walks = (
            self._walk(lambda first, last: ordered.places[first:last], known),
            self._walk(lambda first, last: ordered.unknown[first:last], unknown),
        )
        for walk in walks if self.wanted.before is None else walks[::-1]:
            yield from walk

    def _bounds(self, ordered: ByAmount) -> tuple[Bounds, Bounds]:
        """Where the wanted rows lie among the known amounts, and among the unknown ones, which are always last."""
        known, unknown = self._of_outcome(ordered), (0, len(ordered.unknown))
        cursor = self.wanted.cursor
        if cursor is None or cursor.amount is None:
            return known, unknown
        rows = self.table.places_of(cursor.exit, cursor.id)
        if np.isnan(cursor.amount):
            unknown = self._beyond(unknown, np.searchsorted(ordered.unknown, rows))
            return (known if self.wanted.before else (0, 0)), unknown
        known = self._beyond(known, ordered.around(cursor.amount, rows))
        return known, ((0, 0) if self.wanted.before else unknown)

    def _beyond(self, bounds: Bounds, cursor: Iterable[int]) -> Bounds:
        """What lies beyond a cursor, before which and up to which so many come."""
        (first, last), (before, until) = bounds, cursor
        return (max(first, int(until)), last) if self.wanted.upwards else (first, min(last, int(before)))

    def _of_outcome(self, ordered: ByAmount) -> Bounds:
        """All wins lie among the amounts from 0 on, all losses among those up to 0; R has the sign of the net P&L."""
        low, high = 0, len(ordered.amounts)
        if self.wanted.amount != "seconds" and self.wanted.outcome in ("win", "breakeven"):
            low = int(np.searchsorted(ordered.amounts, np.float32(0), "left"))
        if self.wanted.amount != "seconds" and self.wanted.outcome in ("loss", "breakeven"):
            high = int(np.searchsorted(ordered.amounts, np.float32(0), "right"))
        return low, high

    def _walk(self, places: Callable[[int, int], Places], bounds: Bounds) -> Walk:
        """The wanted ones of the places between two bounds, in chunks that grow."""
        (first, last), upwards, size = bounds, self.wanted.upwards, FIRST_CHUNK_ROWS
        while first < last:
            chunk = places(first, min(first + size, last)) if upwards else places(max(last - size, first), last)
            first, last = (first + size, last) if upwards else (first, last - size)
            within = (chunk >= self.first) & (chunk < self.last)
            found = chunk[within & self.kinds[self.table["kind"].take(chunk, mode="clip")]]
            yield found if upwards else found[::-1]
            size *= 4


def _start(walk: Walk, need: int) -> Places:
    """The first ``need`` places of a walk, or all of a shorter one."""
    found, count = list[Places](), 0
    while count < need and (chunk := next(walk, None)) is not None:
        found.append(chunk)
        count += len(chunk)
    return _joined(found)[:need]


def _joined(parts: Iterable[Places]) -> Places:
    return np.concatenate([np.empty(0, np.intp), *parts])
