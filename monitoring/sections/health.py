"""System Health: is the engine alive, since when, and what went wrong lately."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.database.capabilities import FLAGS
from monitoring.metrics.facts import Errors, Halt
from monitoring.metrics.health import STATUS_LEVELS, status
from monitoring.metrics.metric import Level
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Reading, Section

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = timedelta(days=7)
"""A session's errors before its last sign of life no longer matter: it is far enough to look back for the last one."""
NEWEST_EXECUTION_ROWS = 20_000
"""``strategy_executions`` has no index but its key: of its newest rows they are looked at until one is the bot's. A
backtest beside it may have written thousands since."""

ERRORS = """
SELECT counted.*, last.* FROM (
    SELECT count(*) FILTER (WHERE {is_error}) AS day, count(*) FILTER (WHERE timestamp > $3 AND {is_error}) AS hour,
           count(*) FILTER (WHERE timestamp > $3) AS events
    FROM system_events WHERE timestamp > $2 AND timestamp <= $5 AND session_id = ANY($1::bigint[])
) counted LEFT JOIN LATERAL (
    SELECT timestamp, {message} AS message FROM system_events
    WHERE timestamp BETWEEN $4 AND $5 AND session_id = ANY($1::bigint[]) AND {is_error}
    ORDER BY timestamp DESC LIMIT 1
) last ON true
"""
LAST_EXECUTION = f"""
SELECT timestamp FROM
  (SELECT id, timestamp, session_id FROM strategy_executions ORDER BY id DESC LIMIT {NEWEST_EXECUTION_ROWS}) newest
WHERE session_id = ANY($1::bigint[]) ORDER BY id DESC LIMIT 1
"""
HALT = "SELECT active, {reason} AS reason FROM system_control_flags WHERE name = 'system_halt' ORDER BY id DESC LIMIT 1"


async def read_last_decision(reading: Reading) -> datetime | None:
    """When the strategy last logged a decision."""
    if not reading.capabilities.has("strategy_executions", "id", "timestamp", "session_id"):
        return None
    at: datetime | None = await reading.connection.fetchval(LAST_EXECUTION, reading.state.session.ids)
    return at


async def read_errors(reading: Reading) -> Errors:
    capabilities, now = reading.capabilities, reading.now
    if not capabilities.has("system_events", "timestamp", "session_id", "event_type", "severity"):
        return Errors()
    query = ERRORS.format(
        is_error="(lower(severity::text) IN ('error', 'critical') OR event_type::text = 'ERROR')",
        message=capabilities.column("system_events", "message", "text"),
    )
    limits = (now - DAY, now - HOUR, now - WEEK, now + DAY)
    row = await reading.connection.fetchrow(query, reading.state.session.ids, *limits)
    return Errors(row["day"], row["hour"], row["events"], row["timestamp"], row["message"])


async def read_halt(reading: Reading) -> Halt:
    capabilities = reading.capabilities
    if not capabilities.has(*FLAGS):
        return Halt(None, unknown=capabilities.fault(*FLAGS), hidden=capabilities.hides(*FLAGS))
    reason = capabilities.column("system_control_flags", "reason", "text")
    row = await reading.connection.fetchrow(HALT.format(reason=reason))
    return Halt(bool(row["active"]), row["reason"]) if row else Halt(active=False)


@dataclass(frozen=True, slots=True)
class HealthView:
    """``status`` is the word, ``reason`` why; ``orders`` and ``market`` are folded away."""

    status: str
    level: Level
    reason: str
    figures: tuple[Figure, ...]
    orders: tuple[Figure, ...]
    market: tuple[Figure, ...]
    errors: Errors


async def load(context: Context) -> HealthView:
    word, reason = status(context.facts)
    on, errors = context.figures.on, context.facts.errors
    return HealthView(word, STATUS_LEVELS[word], reason, on("health"), on("orders"), on("market"), errors)


SECTION = Section(
    "health",
    "System Health",
    load,
    ticks=5.0,
)
