"""Errors and warnings of the last week, equal ones as one line."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.sections.event_scope import OF_SCOPE, scope_arguments
from monitoring.sections.section import Context, Section

WEEK = timedelta(days=7)
MAX_SHOWN_FAULTS = 12
FAULTS = f"""
SELECT lower(severity::text) AS severity, {{component}} AS component, {{code}} AS code, count(*) AS count,
       min(timestamp) AS first, max(timestamp) AS last,
       (array_agg({{message}} ORDER BY timestamp DESC, id DESC))[1] AS message
FROM system_events
WHERE {OF_SCOPE} AND timestamp > $4 AND timestamp <= $5 AND lower(severity::text) IN ('critical', 'error', 'warning')
GROUP BY 1, 2, 3, CASE WHEN {{code}} IS NULL THEN {{message}} END
ORDER BY bool_and(lower(severity::text) = 'warning'), last DESC, max(id) DESC LIMIT {MAX_SHOWN_FAULTS + 1}
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """Events of one kind. ``message`` is that of the last."""

    severity: str
    component: str | None
    code: str | None
    count: int
    first: datetime
    last: datetime
    message: str | None


@dataclass(frozen=True, slots=True)
class FaultsView:
    faults: tuple[Fault, ...]
    more: bool
    """Whether there are others."""


async def load(context: Context) -> FaultsView:
    capabilities, now = context.capabilities, context.now
    capabilities.require_columns("system_events", "id", "session_id", "timestamp", "severity")
    names = {"component": "component", "code": "error_code", "message": "message"}
    query = FAULTS.format(**{key: capabilities.column("system_events", name, "text") for key, name in names.items()})
    scope = scope_arguments(context.state, now)
    rows = await context.connection.fetch(query, *scope, now - WEEK, now + MAX_CLOCK_SKEW)
    return FaultsView(tuple(Fault(**row) for row in rows[:MAX_SHOWN_FAULTS]), len(rows) > MAX_SHOWN_FAULTS)


SECTION = Section("faults", "Errors and warnings", load, needs=("system_events",), ticks=60.0, facts=False)
