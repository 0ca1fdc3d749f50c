"""Rows outside the times of their session. They count all the same, and that there are some is said."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.source import Source
from monitoring.metrics.facts import Outside, Span
from monitoring.projections.days import Day
from monitoring.projections.session_history import SessionHistory
from monitoring.projections.times import END_OF_TIME, epoch, microseconds, midnight, next_midnight, shifted
from monitoring.projections.trades import SessionTrades

IN_TIME = "SELECT count(*) FROM account_history WHERE timestamp >= $1 AND timestamp <= $2 AND session_id = $3"


class SessionRows(NamedTuple):
    """What is known of one session; None without any row."""

    trades: SessionTrades | None
    history: SessionHistory | None


async def count_outside(
    source: Source, rows: Mapping[int, SessionRows], spans: Iterable[Span], now: datetime
) -> Outside:
    """Of some sessions, by more than clocks differ."""
    trades = snapshots = 0
    for number, start, end in spans:
        begun, over = shifted(start, -MAX_CLOCK_SKEW), END_OF_TIME
        if end is not None and end <= now:
            over = shifted(end, MAX_CLOCK_SKEW)
        known = rows.get(number, SessionRows(None, None))
        trades += _trades(known.trades, begun, over) if known.trades else 0
        if known.history:
            days = _days(known.history, epoch(begun), epoch(over))
            snapshots += sum([await _rows(source, number, day, begun, over) for day in days])
    return Outside(trades, snapshots)


def _trades(trades: SessionTrades, begun: datetime, over: datetime) -> int:
    exits = trades.columns.table["exit"]
    earlier = np.searchsorted(exits, microseconds(begun), side="left")
    return int(earlier + len(exits) - np.searchsorted(exits, microseconds(over), side="right"))


def _days(history: SessionHistory, begun: float, over: float) -> Iterable[Day]:
    """Those with rows outside."""
    days = history.days
    if days and days[min(days)].first[0] >= begun and days[max(days)].last[0] <= over:
        return ()
    return [day for day in days.values() if day.first[0] < begun or day.last[0] > over]


async def _rows(source: Source, session: int, day: Day, begun: datetime, over: datetime) -> int:
    """How many rows of a day are outside."""
    if day.last[0] < epoch(begun) or day.first[0] > epoch(over):
        return day.rows
    since, until = max(begun, midnight(day.date)), min(over, next_midnight(day.date))
    return day.rows - int(await source.connection.fetchval(IN_TIME, since, until, session))
