"""Reads system events as lines of the stream: equal ones after one another are one line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg

from monitoring.database.capabilities import Columns
from monitoring.metrics.activity import EVENT, Below, Line, event_key, runs
from monitoring.projections.times import shifted
from monitoring.scope import UNKNOWN
from monitoring.sections.event_scope import OF_SCOPE, scope_arguments
from monitoring.sections.section import Context

FIRST_ROWS, MAX_ROWS = 300, 3000
"""So many are read at once, and so many more where those make too few lines."""
MAX_MESSAGE_CHARACTERS = 200
SAME_MATTER_SPAN = timedelta(minutes=2)
"""An event that tells of what a row of another table says is written so soon before or after it."""
TELLS_OF_SESSION = ("ENGINE_START", "ENGINE_STOP")
LOUD_KINDS = {"ERROR": "error", "CIRCUIT_BREAKER_DRY_RUN": "error", "WARNING": "warning", "ALERT": "warning"}

COLUMNS: Columns = {
    "id": "bigint",
    "timestamp": "timestamp",
    "event_type": "text",
    "severity": "text",
    "message": "text",
    "component": "text",
    "error_code": "text",
}
QUERY = f"""
SELECT {{columns}} FROM system_events
WHERE {OF_SCOPE} AND timestamp >= $4 AND timestamp <= $5 AND (timestamp < $5 OR id < $6::bigint)
ORDER BY timestamp DESC, id DESC LIMIT $7
"""


@dataclass(frozen=True, slots=True)
class Events:
    """Lines newest first. ``known_from``: what is older was not read; None where all was."""

    lines: tuple[Line, ...]
    known_from: datetime | None


async def read_events(
    context: Context, below: Below, count: int, looked: datetime | None, restarts: Sequence[datetime]
) -> Events:
    """At least ``count`` lines, where there are as many. ``restarts``: when sessions began and ended."""
    if not context.capabilities.has("system_events", "id", "session_id", "timestamp"):
        return Events((), None)
    rows = await _read(context, below.event, FIRST_ROWS)
    is_whole, found = len(rows) < FIRST_ROWS, _lines(rows, looked, restarts)
    if not is_whole and len(found) <= count:
        rows += await _read(context, (rows[-1]["timestamp"], rows[-1]["id"]), MAX_ROWS)
        is_whole, found = len(rows) < FIRST_ROWS + MAX_ROWS, _lines(rows, looked, restarts)
    if is_whole:
        return Events(tuple(found), None)
    return Events((*found[:-1], replace(found[-1], is_counted=False)), rows[-1]["timestamp"])


async def _read(context: Context, below: tuple[datetime, int], limit: int) -> list[asyncpg.Record]:
    query = QUERY.format(columns=context.capabilities.columns("system_events", COLUMNS))
    first = shifted(context.state.session.start, -timedelta(days=1))
    scope = scope_arguments(context.state, context.now)
    return list(await context.connection.fetch(query, *scope, first, *below, limit))


def _lines(rows: Sequence[asyncpg.Record], looked: datetime | None, restarts: Sequence[datetime]) -> list[Line]:
    news = (row for row in rows if not _tells_of(row, restarts))
    return list(runs(map(_line, news), looked))


def _tells_of(row: asyncpg.Record, restarts: Sequence[datetime]) -> bool:
    """Whether another line says so."""
    return row["event_type"] in TELLS_OF_SESSION and any(
        abs(row["timestamp"] - restart) <= SAME_MATTER_SPAN for restart in restarts
    )


def _line(row: asyncpg.Record) -> Line:
    kind, severity = row["event_type"] or UNKNOWN, (row["severity"] or "info").lower()
    message = " ".join((row["message"] or "").split()) or "no message recorded"
    level = "error" if severity in ("error", "critical") else "warning" if severity == "warning" else ""
    return Line(
        row["timestamp"],
        EVENT,
        row["id"],
        level or LOUD_KINDS.get(kind, ""),
        {
            "message": message[:MAX_MESSAGE_CHARACTERS] + ("…" if len(message) > MAX_MESSAGE_CHARACTERS else ""),
            "component": row["component"],
            "code": row["error_code"] or kind,
        },
        key=event_key(kind, severity, row["component"], row["error_code"], message),
    )
