"""Trades that name no session belong to that of the position or the order that they name: where it moves, they do."""

from collections import Counter
from collections.abc import Iterable, Sequence

import asyncpg
import numpy as np

from monitoring.changes.change_set import ChangeSet, NewRow
from monitoring.database.owners import ORDER_IDS
from monitoring.database.source import Source
from monitoring.projections.packed import Integers, integers, packed

MARK_COUNT = 1 << 22
"""4 MB at most: pages of it that hold no mark take no memory."""


class Marks:
    """A set of numbers that takes no more room the more there are: it may hold one by mistake, but misses none."""

    def __init__(self) -> None:
        self._marked = np.zeros(MARK_COUNT, np.bool_)

    def add(self, numbers: Integers) -> None:
        self._marked[numbers % MARK_COUNT] = True

    def among(self, numbers: Iterable[int]) -> list[int]:
        """Those of the numbers that it holds."""
        return [number for number in numbers if self._marked[number % MARK_COUNT]]


def hashed(text: str) -> str:
    return f"hashtextextended({text}::text, 0)"


LOST = "FILTER (WHERE lost AND {0} IS NOT NULL)"
LOST_COLUMNS = {
    "lost_positions": packed("position_id", "bigint") + LOST.format("position_id"),
    "lost_orders": packed(hashed("order_id"), "bigint") + LOST.format("order_id"),
}
"""SQL, by name: aggregates that pack what the trades named that name no session."""


class LostTrades:
    """What all such trades name that were ever read."""

    def __init__(self) -> None:
        self._positions, self._orders = Marks(), Marks()
        self._any = False

    def note(self, groups: Sequence[asyncpg.Record]) -> None:
        """Takes note of trades just read, by records with LOST_COLUMNS."""
        for marks, name in ((self._positions, "lost_positions"), (self._orders, "lost_orders")):
            if parts := [group[name] for group in groups if group[name]]:
                marks.add(integers(parts))
                self._any = True

    async def moved_by(self, source: Source, changes: ChangeSet) -> bool:
        """Whether such trades may belong to another session now."""
        if not self._any:
            return False
        positions = moved(changes.rows.get("positions", ()))
        orders = moved(changes.rows.get("orders", ()))
        return bool(self._positions.among(positions)) or bool(orders and await self._name_orders(source, orders))

    async def _name_orders(self, source: Source, orders: list[int]) -> bool:
        ids = [name for name in ORDER_IDS if source.capabilities.has("orders", name)]
        hashes = ", ".join(hashed(name) for name in ids)
        position = source.capabilities.column("orders", "position_id", "bigint")
        columns = f"coalesce({position}, 0) AS position, ARRAY[{hashes}]::bigint[] AS ids"
        rows = await source.connection.fetch(f"SELECT {columns} FROM orders WHERE id = ANY($1::bigint[])", orders)
        named = [number for row in rows for number in row["ids"] if number is not None]
        return bool(self._positions.among(row["position"] for row in rows) or self._orders.among(named))


def moved(rows: Iterable[NewRow]) -> list[int]:
    """Ids of rows that are new, or were in another session before: the feed tells of both sessions then."""
    pairs = {(row.id, row.session) for row in rows}
    sessions = Counter(number for number, _ in pairs)
    new = {row.id for row in rows if row.is_new}
    return sorted(new | {number for number, count in sessions.items() if count > 1})
