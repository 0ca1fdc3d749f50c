"""The best and the worst closed trades of a session, kept so that nobody need look for them among all of them."""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import asyncpg

MOST = 100
"""Of either kind."""

OF_SOME = """
WITH known AS MATERIALIZED (SELECT net, exit_time, id FROM ({figures}) figures WHERE net <> 'NaN')
(SELECT true AS best, * FROM known ORDER BY net DESC, exit_time DESC, id DESC LIMIT $5)
UNION ALL
(SELECT false, * FROM known ORDER BY net, exit_time, id LIMIT $5)
"""

Ranked = tuple[Decimal, datetime, int]
"""Net P&L, exit time and id of a trade whose net P&L is known."""


@dataclass(slots=True)
class Extremes:
    """MOST of either kind, each the worst first."""

    best: list[Ranked] = field(default_factory=list)
    worst: list[Ranked] = field(default_factory=list)

    def add(self, trade: Ranked) -> None:
        insort(self.best, trade)
        del self.best[:-MOST]
        insort(self.worst, trade)
        del self.worst[MOST:]

    def take(self, rows: Iterable[asyncpg.Record]) -> None:
        """From the rows of OF_SOME: those of other trades than any that were taken in before."""
        some = [(row["best"], (row["net"], row["exit_time"], row["id"])) for row in rows]
        self.best = sorted([*self.best, *(trade for best, trade in some if best)])[-MOST:]
        self.worst = sorted([*self.worst, *(trade for best, trade in some if not best)])[:MOST]

    def ids(self, count: int, *, best: bool) -> list[int] | None:
        """Of the ``count`` best or worst trades; None where not so many are known."""
        found = self.best[-count:] if best else self.worst[:count]
        return [number for _, _, number in found] if len(found) == count else None
