"""When the sessions last wrote: their signs of life, and the beats that their rhythm is learned from.

The tables have no index on the session, so the newest rows are read once; afterwards each new row by its id.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from heapq import merge

import asyncpg

from monitoring.changes.snapshot_token import IdCursor
from monitoring.database.capabilities import Columns
from monitoring.database.source import Source
from monitoring.metrics.rhythm import limit_seconds
from monitoring.projections.packed import moments, packed
from monitoring.projections.snapshots import DATED, audit_condition
from monitoring.projections.times import epoch, from_epoch

WINDOW_ROWS = 20_000
"""How many of the newest rows of a table are read: a backtest may have written thousands since a bot's last one."""
MAX_KEPT_TIMES = 600
"""Of each session and table: thirty beats of an engine that writes twenty rows at once."""

SNAPSHOTS, BOOKINGS, DECISIONS = "snapshots", "bookings", "strategy_executions"
BEATS = (SNAPSHOTS, DECISIONS)
"""What is written regularly."""
SOURCES = {
    "account_history": (SNAPSHOTS, BOOKINGS),
    "strategy_executions": (DECISIONS,),
    "trades": ("trades",),
    "system_events": ("system_events",),
}
"""Tables that only a running engine writes, and what their rows are."""
TABLES = frozenset(SOURCES)
BEAT_TABLES = frozenset({"account_history", "strategy_executions"})

WRITTEN = {
    "account_history": "timestamp",
    "strategy_executions": "timestamp",
    "trades": "coalesce({created_at}, {exit_time})",
    "system_events": "CASE WHEN {event_type} = 'BALANCE_ADJUSTMENT' AND {component} = 'dashboard' THEN NULL"
    " ELSE timestamp END",
}
"""SQL: when a row was written; NULL where the dashboard wrote it."""
COLUMNS: Columns = {"created_at": "timestamp", "exit_time": "timestamp", "event_type": "text", "component": "text"}
IN_WINDOW = "id > ${0} AND id <= ${1} AND NOT id = ANY(${2}::bigint[])"
BY_ID = "id = ANY(${0}::bigint[])"
BY_SESSION = f"""
SELECT source, session_id::bigint AS session_id, {packed("timestamp", "timestamp")} AS times
FROM ({{rows}}) found WHERE session_id IS NOT NULL AND {DATED} GROUP BY 1, 2
"""


class SignsOfLife:
    """Of every session the newest times at which it wrote, by what it wrote."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, int], list[float]] = {}
        """Epoch seconds, oldest first; those that lie in the future too."""

    def clear(self) -> None:
        """Nothing is known."""
        self._times = {}

    async def begin(self, source: Source, cursors: Mapping[str, IdCursor], tables: Iterable[str]) -> None:
        """Reads the newest rows of some tables, in place of what is known of them."""
        for table in TABLES.intersection(tables):
            cursor = cursors.get(table)
            known = cursor is not None and source.capabilities.has(table, "id", "session_id")
            rows = await _in_window(source, table, cursor) if known and cursor else []
            self._times = {key: times for key, times in self._times.items() if key[0] not in SOURCES[table]}
            self._take(rows)

    async def read(self, source: Source, changed: Mapping[str, Collection[int]]) -> Callable[[], None]:
        """New rows, by table; calling what is returned takes them in."""
        tables = [table for table in SOURCES if changed.get(table) and source.capabilities.has(table, "session_id")]
        if not tables:
            return lambda: None
        parts = [_rows(source, table, BY_ID.format(number)) for number, table in enumerate(tables, start=1)]
        query = BY_SESSION.format(rows=" UNION ALL ".join(parts))
        rows = await source.connection.fetch(query, *(sorted(changed[table]) for table in tables))
        return lambda: self._take(rows)

    @property
    def sessions(self) -> frozenset[int]:
        """Those of which anything is known."""
        return frozenset(session for _, session in self._times)

    def newest(self, sessions: Iterable[int], until: datetime) -> datetime | None:
        """When one of the sessions last wrote, as far as that is not later than ``until``."""
        horizon = epoch(until)
        times = [
            known[place - 1]
            for known in self._of(sessions, [name for names in SOURCES.values() for name in names])
            if (place := bisect_right(known, horizon))
        ]
        return from_epoch(max(times)) if times else None

    def limit_seconds(self, sessions: Sequence[int], timeframe: str, until: datetime) -> float:
        """How old the last sign of life of the sessions, as one bot, may be."""
        horizon = epoch(until)
        written = [merge(*self._of(sessions, [source])) for source in BEATS]
        return limit_seconds(([time for time in times if time <= horizon] for times in written), timeframe)

    def _of(self, sessions: Iterable[int], sources: Sequence[str]) -> list[list[float]]:
        keys = ((source, session) for session in sessions for source in sources)
        return [known for key in keys if (known := self._times.get(key))]

    def _take(self, rows: Iterable[asyncpg.Record]) -> None:
        for row in rows:
            key = row["source"], row["session_id"]
            written = (moments([row["times"]]) / 1e6).tolist()
            self._times[key] = sorted({*self._times.get(key, ()), *written})[-MAX_KEPT_TIMES:]


def _rows(source: Source, table: str, condition: str) -> str:
    """SQL: of the rows session_id, timestamp and source."""
    columns = {name: source.capabilities.column(table, name, kind) for name, kind in COLUMNS.items()}
    kind = _history_kind(source) if table == "account_history" else f"'{table}'"
    written = WRITTEN[table].format(**columns)
    return f"SELECT session_id, {written} AS timestamp, {kind} AS source FROM {table} WHERE {condition}"


def _history_kind(source: Source) -> str:
    audit = audit_condition(source.capabilities)
    return f"CASE WHEN {audit} OR coalesce(equity, 'NaN') = 'NaN' THEN '{BOOKINGS}' ELSE '{SNAPSHOTS}' END"


async def newest_of_all(source: Source, until: datetime) -> datetime | None:
    """The newest sign of life of any session, as far as it is not later than ``until``."""
    capabilities = source.capabilities
    parts = [_rows(source, table, "true") for table in SOURCES if capabilities.has(table, "session_id")]
    if capabilities.has("positions", "session_id", "last_update"):
        parts.append("SELECT session_id, last_update, 'positions' FROM positions")
    rows = " UNION ALL ".join(parts)
    query = f"SELECT max(timestamp)::timestamp FROM ({rows}) found WHERE timestamp <= $1 AND session_id IS NOT NULL"
    found: datetime | None = await source.connection.fetchval(query, until) if parts else None
    return found


async def _in_window(source: Source, table: str, cursor: IdCursor) -> list[asyncpg.Record]:
    query = BY_SESSION.format(rows=_rows(source, table, IN_WINDOW.format(1, 2, 3)))
    first = cursor.watermark - WINDOW_ROWS
    rows: list[asyncpg.Record] = await source.connection.fetch(query, first, cursor.watermark, list(cursor.pending_ids))
    return rows
