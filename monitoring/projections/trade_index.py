"""What makes any selection of a session's trades as quick among a million as among a thousand.

Sums by kind up to the end of each block of rows, so that the sums of any period are a difference; and the rows in the
order of an amount, so that a page of the largest is read off. Both are made when they are first wanted, and hold as
long as only rows at the end are added.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monitoring.projections.packed import Floats

Places = npt.NDArray[np.intp]

COUNT, NET, COSTS, R_COUNT, R = range(5)
"""What is summed, by kind. NET is NaN of kinds whose outcome is unknown."""
MIN_BLOCK_ROWS = 16_384
BLOCK_ROWS_PER_KIND = 8
"""A block holds so many times more rows than there are kinds, so that sums need less memory than rows."""
MAX_UNSORTED_ROWS = 32_768
"""So many rows are sorted when they are wanted, in a millisecond or two."""


@dataclass(frozen=True, slots=True)
class ByAmount:
    """Rows by an amount, the smallest first; of equal ones the oldest first."""

    amounts: npt.NDArray[Any]
    places: Places
    """Of the rows with these amounts."""
    unknown: Places
    """Of the rows whose amount is unknown, oldest first."""

    @classmethod
    def of(cls, amounts: npt.NDArray[Any], places: Places | None = None) -> "ByAmount":
        """All rows, or those at some places, oldest first."""
        wanted = amounts if places is None else amounts[places]
        order = np.argsort(wanted, kind="stable")
        wanted, placed = wanted[order], order if places is None else places[order]
        known = len(wanted) - int(np.count_nonzero(np.isnan(wanted)))
        return cls(wanted[:known], placed[:known], placed[known:])

    def around(self, amount: float, rows: tuple[int, int]) -> tuple[int, int]:
        """How many come before the row ``rows[0]``, of this amount, and before ``rows[1]``."""
        wanted = self.amounts.dtype.type(amount)
        first, last = (int(np.searchsorted(self.amounts, wanted, side)) for side in ("left", "right"))
        before, until = np.searchsorted(self.places[first:last], rows)
        return first + int(before), first + int(until)


class TradeIndex:
    """Of the rows of one table, as far as there were any when it was made; those behind are looked at one by one."""

    def __init__(self) -> None:
        self._sums: list[Floats] = []
        """Up to the end of each block, shape (5, kinds known then)."""
        self._block_rows = MIN_BLOCK_ROWS
        self._by_amount: dict[str, tuple[int, ByAmount]] = {}
        self.corrections = 0
        """Counts the corrections of R and risk."""

    def forget_r(self, place: int) -> None:
        """R or risk of a row is another."""
        del self._sums[place // self._block_rows :]
        self.corrections += 1
        if place < self.sorted_rows("r"):
            del self._by_amount["r"]

    def sorted_rows(self, amount: str) -> int:
        """Of how many rows, from the oldest on, the order by an amount is known."""
        return self._by_amount[amount][0] if amount in self._by_amount else 0

    def by_amount(self, amount: str) -> ByAmount:
        """The order of those. Raises KeyError where it is not known."""
        return self._by_amount[amount][1]

    def sort(self, columns: Mapping[str, npt.NDArray[Any]], amount: str) -> None:
        """Finds the order of all rows by an amount. Takes a third of a second for a million: meant for a thread."""
        amounts, corrections = columns[amount], self.corrections
        found = ByAmount.of(amounts)
        if corrections == self.corrections:
            self._by_amount[amount] = len(amounts), found

    def sums(self, columns: Mapping[str, npt.NDArray[Any]], first: int, last: int, kinds: int) -> Floats:
        """Sums by kind over the rows from ``first`` up to ``last``, shape (5, kinds)."""
        self._fit(kinds)
        begin, end = -(-first // self._block_rows), last // self._block_rows
        if begin >= end:
            return _sums(columns, first, last, kinds)
        while len(self._sums) < end:
            self._add_block(columns, kinds)
        found = _sums(columns, first, begin * self._block_rows, kinds)
        found += _sums(columns, end * self._block_rows, last, kinds)
        found[:, : self._sums[end - 1].shape[1]] += self._sums[end - 1]
        if begin:
            found[:, : self._sums[begin - 1].shape[1]] -= self._sums[begin - 1]
        return found

    def _fit(self, kinds: int) -> None:
        if kinds * BLOCK_ROWS_PER_KIND > self._block_rows:
            self._sums, self._block_rows = [], 2 * kinds * BLOCK_ROWS_PER_KIND

    def _add_block(self, columns: Mapping[str, npt.NDArray[Any]], kinds: int) -> None:
        start = len(self._sums) * self._block_rows
        found = _sums(columns, start, start + self._block_rows, kinds)
        if self._sums:
            found[:, : self._sums[-1].shape[1]] += self._sums[-1]
        self._sums.append(found)


def _sums(columns: Mapping[str, npt.NDArray[Any]], first: int, last: int, kinds: int) -> Floats:
    kind, r = columns["kind"][first:last].astype(np.intp), columns["r"][first:last]
    known = np.isfinite(r)
    weights = (None, columns["net"][first:last], columns["costs"][first:last], known, np.where(known, r, 0))
    return np.array([np.bincount(kind, weight, kinds) for weight in weights], dtype=np.float64)
