"""Reads what is wrong with a bot: its alerts, and the rows that tell of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.owners import owner
from monitoring.database.source import Source
from monitoring.metrics.alerts import MAX_ROUNDING_PERCENT, alerts_of, drawdown_reached
from monitoring.metrics.money import Flow
from monitoring.metrics.troubles import CRITICAL, ERROR, WARNING, Alert, Rows, Troubles
from monitoring.sections.books_alert import disagreement_of_books
from monitoring.sections.drawdown_limit import max_drawdown_percent
from monitoring.sections.event_scope import OF_SCOPE, scope_arguments
from monitoring.sections.position_rows import read_positions
from monitoring.sections.section import Context

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

FAILED_ORDERS = """
SELECT count(*) AS count, min(at) AS since FROM (
    SELECT coalesce({last_update}, created_at) AS at FROM orders
    WHERE id = ANY($2::bigint[]) AND {owner} = ANY($1::bigint[])
) failed WHERE at > $3 AND at <= $4
"""
ERRORS = f"""
SELECT {{code}} AS code, count(*) AS count, min(timestamp) AS since,
       bool_or(lower(severity::text) = 'critical') AS worst
FROM system_events
WHERE timestamp > $4 AND timestamp <= $5 AND lower(severity::text) IN ('error', 'critical') AND {OF_SCOPE}
GROUP BY 1 ORDER BY 1
"""
FINDINGS_NEED = ("timestamp", "session_id", "severity")
FINDINGS = f"""
SELECT count(*) AS count, min(timestamp) AS since, bool_or(upper(severity::text) = 'CRITICAL') AS worst
FROM reconciliation_audit_events
WHERE timestamp > $4 AND timestamp <= $5 AND upper(severity::text) IN ('HIGH', 'CRITICAL') AND {OF_SCOPE}
"""

FOUND_SINCE = """
SELECT DISTINCT session_id::bigint AS session_id FROM reconciliation_audit_events
WHERE timestamp > $1 AND upper(severity::text) IN ('HIGH', 'CRITICAL') AND session_id IS NOT NULL
"""


async def sessions_with_findings(source: Source, now: datetime) -> frozenset[int]:
    """Sessions of which the reconciliation found something within the last day that needs a person."""
    if not source.capabilities.has("reconciliation_audit_events", *FINDINGS_NEED):
        return frozenset()
    return frozenset(row["session_id"] for row in await source.connection.fetch(FOUND_SINCE, now - DAY))


async def read_alerts(context: Context) -> tuple[Alert, ...]:
    """What is wrong with the bot of the context now, worst first."""
    return alerts_of(await read_troubles(context), context.config_file.mute)


async def read_troubles(context: Context) -> Troubles:
    """What is wrong with the bot of the context, as rows. What cannot be read is left out."""
    beside = await context.neighbours()
    return replace(
        await read_states(context),
        orphans=await _orphans(context, beside.orphans),
        failed_orders=await _failed_orders(context),
        errors=await _errors(context),
        reconciliation=await _findings(context),
        corrections=_corrections(context),
        books=await disagreement_of_books(context),
        others=beside.others,
    )


async def read_states(context: Context) -> Troubles:
    """What is wrong by the facts alone, but for the books."""
    limit = max_drawdown_percent(context)
    since = None if limit is None else await _drawdown_since(context, limit)
    return Troubles(facts=context.facts, max_drawdown=limit, drawdown_since=since)


async def _orphans(context: Context, ids: Sequence[int]) -> list[Rows]:
    if not ids or not context.capabilities.has("positions", "id"):
        return []
    rows = await read_positions(context.connection, context.capabilities, ids)
    return [Rows(1, _moment(row["entry_time"])) for row in rows]


async def _failed_orders(context: Context) -> Rows | None:
    capabilities, now, ids = context.capabilities, context.now, context.state.failed_orders
    if not ids:
        return None
    query = FAILED_ORDERS.format(
        last_update=capabilities.column("orders", "last_update", "timestamp"),
        owner=owner(capabilities, "orders", "orders"),
    )
    window = now - HOUR, now + MAX_CLOCK_SKEW
    row = await context.connection.fetchrow(query, context.state.session.ids, ids, *window)
    return Rows(row["count"], row["since"])


async def _errors(context: Context) -> list[Rows]:
    if not context.capabilities.has("system_events", "timestamp", "session_id", "severity"):
        return []
    code = context.capabilities.column("system_events", "error_code", "text")
    rows = await context.connection.fetch(ERRORS.format(code=code), *_window(context, HOUR))
    return [Rows(row["count"], row["since"], CRITICAL if row["worst"] else ERROR, row["code"]) for row in rows]


async def _findings(context: Context) -> Rows | None:
    if not context.capabilities.has("reconciliation_audit_events", *FINDINGS_NEED):
        return None
    row = await context.connection.fetchrow(FINDINGS, *_window(context, DAY))
    return Rows(row["count"], row["since"], CRITICAL if row["worst"] else WARNING)


def _corrections(context: Context) -> list[Flow]:
    """Of the last day, of which the operator has not said what they were."""
    explained = {one.id for one in context.config_file.corrections}
    booked = [flow for flow in context.state.flows if flow.correction]
    since, until = context.now - DAY, context.now + MAX_CLOCK_SKEW
    found = (*booked, *context.state.history.gaps)
    return [flow for flow in found if since < flow.at <= until and flow.id not in explained]


def _window(context: Context, length: timedelta) -> tuple[object, ...]:
    """Whose rows count, as OF_SCOPE wants it, and the span of time."""
    now = context.now
    return *scope_arguments(context.state, now), now - length, now + MAX_CLOCK_SKEW


async def _drawdown_since(context: Context, limit: float) -> datetime | None:
    """The first snapshot since which the drawdown has been where it warns, or at the limit; None where none is yet."""
    drawdown, sessions = context.facts.drawdown, context.state.session.ids
    reached = None if drawdown is None else drawdown_reached(drawdown.current, limit)
    if reached is None:
        return None
    source = Source(context.connection, context.capabilities)
    return await context.state.history.snapshots.sunk_since(source, sessions, reached - MAX_ROUNDING_PERCENT)


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
