"""Reconciliation: what the engine found different at the exchange, newest first."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

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
NUMBERS = ("total_balance", "realized_pnl", "entry_price", "quantity", "borrowed", "current_size")
"""Fields whose values are numbers. Those of others may look so, as the ids of orders do."""
FOR_A_PERSON = ("HIGH", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Finding:
    at: datetime
    entity: str | None
    entity_id: int | None
    field: str | None
    old: Decimal | str | None
    new: Decimal | str | None
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
    field, severity = row["field"], (row["severity"] or "").upper()
    old, new = (found_value(field, row[name]) for name in ("old_value", "new_value"))
    # The account has no id: the engine writes 0.
    return Finding(
        row["timestamp"], row["entity_type"], row["entity_id"] or None, field, old, new, row["reason"], severity
    )


def found_value(field: str | None, value: str | None) -> Decimal | str | None:
    """What a column of text says of a field: a number where the field is one."""
    if value is None or field not in NUMBERS:
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    return number if number.is_finite() else value


SECTION = Section("reconciliation", "Reconciliation", load, facts=False)
