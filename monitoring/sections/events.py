"""Recent Events: what the engine reported, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.database.capabilities import Columns
from monitoring.projections import ScopeState
from monitoring.projections.times import BEGIN_OF_TIME, END_OF_TIME, shifted
from monitoring.scope import UNKNOWN
from monitoring.sections.section import Context, Section

DAY = timedelta(days=1)
SHOWN_ROWS = 8
EVENT: Columns = {
    "id": "bigint",
    "timestamp": "timestamp",
    "event_type": "text",
    "severity": "text",
    "message": "text",
    "component": "text",
    "error_code": "text",
}
SHARING_MODES = ("LIVE", "PAPER")
END_GRACE = timedelta(minutes=15)
"""For so long after its end events without a session still concern a bot."""

OF_SCOPE = (
    "(session_id = ANY($1::bigint[]) OR session_id IS NULL AND timestamp BETWEEN $2::timestamp AND $3::timestamp)"
)
"""SQL: which events belong to a scope; the parameters are ``scope_arguments``."""
QUERY = f"""
SELECT {{columns}} FROM system_events
WHERE {OF_SCOPE} AND timestamp BETWEEN $4 AND $5
ORDER BY timestamp DESC, id DESC LIMIT {SHOWN_ROWS}
"""


def scope_arguments(state: ScopeState, now: datetime) -> tuple[Sequence[int], datetime, datetime]:
    """The sessions, and between which times events without one are theirs: those of a bot that trades live or on paper.

    Nobody knows which bot such an event is of: every one that ran has it, and no session alone.
    """
    session = state.session
    if not session.is_bot or session.mode not in SHARING_MODES:
        return session.ids, END_OF_TIME, BEGIN_OF_TIME
    ended = session.ended(now) or state.fell_silent
    return session.ids, session.start, END_OF_TIME if ended is None else shifted(ended, END_GRACE)


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    at: datetime
    kind: str
    severity: str
    message: str
    component: str | None
    code: str | None

    @property
    def level(self) -> str:
        """err, warn or off: how loudly to show it."""
        if self.severity in ("error", "critical") or self.kind in ("ERROR", "CIRCUIT_BREAKER_DRY_RUN"):
            return "err"
        return "warn" if self.severity == "warning" or self.kind in ("WARNING", "ALERT") else "off"


@dataclass(frozen=True, slots=True)
class EventsView:
    events: tuple[Event, ...]


async def load(context: Context) -> EventsView:
    context.capabilities.require_columns("system_events", "id", "session_id", "timestamp")
    session = context.scope.session
    start, end = shifted(session.start, -DAY), (session.ended(context.now) or context.now) + DAY
    columns = context.capabilities.columns("system_events", EVENT)
    scope = scope_arguments(context.state, context.now)
    rows = await context.connection.fetch(QUERY.format(columns=columns), *scope, start, end)
    return EventsView(
        tuple(
            Event(
                row["id"],
                row["timestamp"],
                row["event_type"] or UNKNOWN,
                (row["severity"] or "info").lower(),
                row["message"] or "no message recorded",
                row["component"],
                row["error_code"],
            )
            for row in rows
        )
    )


SECTION = Section("events", "Events", load, needs=("system_events",), facts=False)
