"""The sessions of the bot, newest first: when each began, how long it ran, and how it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from monitoring.database.capabilities import Columns
from monitoring.sections.section import Context, Section

MAX_SHOWN_SESSIONS = 12
SESSION: Columns = {"id": "bigint", "start_time": "timestamp", "end_time": "timestamp"}
QUERY = """
SELECT {columns} FROM trading_sessions WHERE id = ANY($1::bigint[]) AND start_time IS NOT NULL
ORDER BY start_time DESC, id DESC LIMIT {limit}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One session. ``pause``: from its end to the next one's start; None of the newest."""

    id: int
    number: int
    began: datetime
    ended: datetime | None
    pause: timedelta | None


@dataclass(frozen=True, slots=True)
class SessionsView:
    runs: tuple[Run, ...]
    total: int


async def load(context: Context) -> SessionsView:
    session = context.scope.session
    columns = context.capabilities.columns("trading_sessions", SESSION)
    query = QUERY.format(columns=columns, limit=MAX_SHOWN_SESSIONS)
    rows = await context.connection.fetch(query, list(session.ids))
    total = len(session.ids)
    runs = (_run(row, total - place, rows[place - 1] if place else None, context.now) for place, row in enumerate(rows))
    return SessionsView(tuple(runs), total)


def _run(row: asyncpg.Record, number: int, later: asyncpg.Record | None, now: datetime) -> Run:
    ended = row["end_time"] if row["end_time"] is not None and row["end_time"] <= now else None
    pause = None if later is None or ended is None else later["start_time"] - ended
    return Run(row["id"], number, row["start_time"], ended, pause)


SECTION = Section("sessions", "Sessions of this bot", load, needs=("trading_sessions",), ticks=60.0, facts=False)
