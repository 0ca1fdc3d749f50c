"""Reads when the engine gave signs of life in the last day."""

from datetime import timedelta

from monitoring.metrics.life import Life, life
from monitoring.projections.times import epoch
from monitoring.sections.section import Context

DAY = timedelta(days=1)
SIGNS = """
SELECT DISTINCT extract(epoch FROM date_trunc('minute', timestamp))::float8 AS minute FROM {table}
WHERE session_id = ANY($1::bigint[]) AND timestamp BETWEEN $2 AND $3
"""
TABLES = ("account_history", "strategy_executions", "system_events")
"""Which the engine writes whether it trades or not, and which are quickly read by time."""


async def read_life(context: Context) -> Life | None:
    """Of a bot that has not ended; to the minute."""
    session, now, limit = context.facts.session, context.now, context.facts.limit_seconds
    if session.ended(now) is not None:
        return None
    tables = [table for table in TABLES if context.capabilities.has(table, "session_id", "timestamp")]
    query = " UNION ".join(SIGNS.format(table=table) for table in tables)
    span = (now - DAY - timedelta(seconds=limit), now)
    rows = await context.connection.fetch(query, list(session.ids), *span) if tables else []
    signs = sorted({*(row["minute"] for row in rows), *_others(context)})
    return life(signs, epoch(now - DAY), epoch(now), epoch(session.start), limit)


def _others(context: Context) -> list[float]:
    """The newest sign of life of any table, and the start of each session."""
    last = context.facts.last_sign
    starts = [context.facts.session.start, context.facts.session.run_began]
    return [epoch(at) for at in (*starts, last) if at is not None and context.now - DAY < at <= context.now]
