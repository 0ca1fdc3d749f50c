"""Recent Events: what the engine reported, newest first."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.projections.times import shifted
from monitoring.scope import UNKNOWN
from monitoring.sections.activity_events import COLUMNS
from monitoring.sections.event_scope import OF_SCOPE, scope_arguments
from monitoring.sections.section import Context, Section

DAY = timedelta(days=1)
SHOWN_ROWS = 8
QUERY = f"""
SELECT {{columns}} FROM system_events
WHERE {OF_SCOPE} AND timestamp BETWEEN $4 AND $5
ORDER BY timestamp DESC, id DESC LIMIT {SHOWN_ROWS}
"""


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
    columns = context.capabilities.columns("system_events", COLUMNS)
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
