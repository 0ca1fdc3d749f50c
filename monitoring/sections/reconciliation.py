"""Reconciliation: what the engine found different at the exchange, newest first."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.capabilities import Columns
from monitoring.projections.times import BEGIN_OF_TIME
from monitoring.sections.event_scope import OF_SCOPE, scope_arguments
from monitoring.sections.section import Context, Section

SHOWN_ROWS = 8
TABLE = "reconciliation_audit_events"
FINDING: Columns = {
    "timestamp": "timestamp",
    "entity_type": "text",
    "entity_id": "bigint",
    "field": "text",
    "old_value": "text",
    "new_value": "text",
    "reason": "text",
    "severity": "text",
}
QUERY = f"""
SELECT {{columns}} FROM {TABLE}
WHERE {OF_SCOPE} AND timestamp > $4 AND timestamp <= $5 ORDER BY timestamp DESC, id DESC LIMIT {SHOWN_ROWS}
"""
FOR_A_PERSON = ("HIGH", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Finding:
    at: datetime
    entity: str | None
    entity_id: int | None
    field: str | None
    old: str | None
    new: str | None
    reason: str | None
    severity: str

    @property
    def needs_a_person(self) -> bool:
        return self.severity in FOR_A_PERSON


@dataclass(frozen=True, slots=True)
class ReconciliationView:
    findings: tuple[Finding, ...]


async def load(context: Context) -> ReconciliationView:
    context.capabilities.require_columns(TABLE, "id", "session_id", "timestamp")
    query = QUERY.format(columns=context.capabilities.columns(TABLE, FINDING))
    scope, until = scope_arguments(context.state, context.now), context.now + MAX_CLOCK_SKEW
    rows = await context.connection.fetch(query, *scope, BEGIN_OF_TIME, until)
    return ReconciliationView(tuple(map(_finding, rows)))


def _finding(row: asyncpg.Record) -> Finding:
    what = row["entity_type"], row["entity_id"], row["field"]
    return Finding(
        row["timestamp"], *what, row["old_value"], row["new_value"], row["reason"], (row["severity"] or "").upper()
    )


SECTION = Section("reconciliation", "Reconciliation", load, facts=False)
