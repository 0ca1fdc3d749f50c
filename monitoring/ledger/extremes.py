"""The best and the worst closed trades of a session, kept so that nobody need look for them among all of them."""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from heapq import nlargest, nsmallest

import asyncpg

from monitoring.ledger.times import midnight
from monitoring.ledger.trade_sums import TradeSum

MOST = 100
"""Of either kind."""

RANKED = """
SELECT net, exit_time, id FROM unnest($5::timestamp[]) AS day (start), LATERAL (
    {figures} AND t.exit_time >= day.start AND t.exit_time < day.start + interval '1 day' OFFSET 0
) trades
WHERE net <> 'NaN' ORDER BY net {way}, exit_time {way}, id {way} LIMIT $6
"""
BEST, WORST = "DESC", "ASC"

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

    def ids(self, way: str, count: int) -> list[int] | None:
        """Of the ``count`` best or worst trades; None where not so many are known."""
        found = self.best[-count:] if way == BEST else self.worst[:count]
        return [number for _, _, number in found] if len(found) == count else None


def extreme_days(days: Mapping[date, TradeSum], way: str, count: int) -> list[tuple[Decimal, date]]:
    """The ``count`` days with the best (or worst) trade of all, the farthest first, and how good that was.

    So many trades are as good as that of the last of these days, and no other day has one so good.
    """
    if way == BEST:
        return nlargest(count, [(sums.best, day) for day, sums in days.items() if sums.best is not None])
    return nsmallest(count, [(sums.worst, day) for day, sums in days.items() if sums.worst is not None])


async def read_extremes(
    connection: asyncpg.Connection, figures: str, days: Mapping[date, TradeSum], counted: Sequence[object]
) -> Extremes:
    """Of the trades of FIGURES whose sums are ``days``; ``counted`` are the first four arguments."""

    async def ranked(way: str) -> list[Ranked]:
        starts = [midnight(day) for _, day in extreme_days(days, way, MOST)]
        rows = await connection.fetch(RANKED.format(figures=figures, way=way), *counted, starts, MOST)
        return [tuple(row) for row in rows]

    return Extremes(best=(await ranked(BEST))[::-1], worst=await ranked(WORST))
