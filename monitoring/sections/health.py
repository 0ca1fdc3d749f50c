"""System Health: is the engine alive, since when, and what went wrong lately."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from monitoring.database.capabilities import FLAGS, Capabilities
from monitoring.metrics.facts import Health
from monitoring.metrics.health import STATUS_LEVELS, limit_seconds, status
from monitoring.metrics.metric import Level
from monitoring.projections import ScopeState
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = timedelta(days=7)
"""A session's errors before its last sign of life no longer matter: it is far enough to look back for the last one."""
NEWEST_EXECUTIONS = 200
"""``strategy_executions`` has no index but its key: only its newest rows are looked at."""

ERRORS = """
SELECT counted.*, last.* FROM (
    SELECT count(*) FILTER (WHERE {is_error}) AS day, count(*) FILTER (WHERE timestamp > $3 AND {is_error}) AS hour,
           count(*) FILTER (WHERE timestamp > $3) AS events
    FROM system_events WHERE timestamp > $2 AND timestamp <= $5 AND session_id = ANY($1::int[])
) counted LEFT JOIN LATERAL (
    SELECT timestamp, {message} AS message FROM system_events
    WHERE timestamp BETWEEN $4 AND $5 AND session_id = ANY($1::int[]) AND {is_error}
    ORDER BY timestamp DESC LIMIT 1
) last ON true
"""
LAST_EXECUTION = f"""
SELECT max(timestamp) FROM
  (SELECT timestamp, session_id FROM strategy_executions ORDER BY id DESC LIMIT {NEWEST_EXECUTIONS}) newest
WHERE session_id = ANY($1::int[])
"""
HALT = "SELECT active, {reason} AS reason FROM system_control_flags WHERE name = 'system_halt' ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Errors:
    """Events of the last day and hour, as far as they are errors; None where their table cannot be read."""

    day: int | None = None
    hour: int | None = None
    events_of_hour: int | None = None
    last: datetime | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Halt:
    """The operator's kill switch; None where its table cannot be read."""

    active: bool | None = None
    reason: str | None = None


def health_of(
    state: ScopeState, capabilities: Capabilities, errors: Errors, halt: Halt, decided: datetime | None
) -> Health:
    """Signs of life and of trouble of one scope; ``decided``: when its strategy last logged a decision."""
    signs = [state.history.last_time, state.positions.last_update, decided]
    return Health(
        last_sign=max((sign for sign in signs if sign is not None), default=None),
        limit_seconds=limit_seconds(state.history.rhythm),
        halted=halt.active,
        halt_reason=halt.reason,
        errors_24h=errors.day,
        errors_1h=errors.hour,
        events_1h=errors.events_of_hour,
        last_error=errors.last,
        last_error_message=errors.message,
        halt_unknown=capabilities.fault(*FLAGS),
        halt_hidden=capabilities.hides(*FLAGS),
    )


async def read_last_execution(
    connection: asyncpg.Connection, capabilities: Capabilities, sessions: tuple[int, ...]
) -> datetime | None:
    """When the strategy of some sessions last logged a decision."""
    if not capabilities.has("strategy_executions", "timestamp", "session_id"):
        return None
    at: datetime | None = await connection.fetchval(LAST_EXECUTION, sessions)
    return at


async def read_errors(
    connection: asyncpg.Connection, capabilities: Capabilities, sessions: tuple[int, ...], now: datetime
) -> Errors:
    if not capabilities.has("system_events", "timestamp", "session_id", "event_type", "severity"):
        return Errors()
    query = ERRORS.format(
        is_error="(lower(severity::text) IN ('error', 'critical') OR event_type::text = 'ERROR')",
        message=capabilities.column("system_events", "message", "text"),
    )
    row = await connection.fetchrow(query, sessions, now - DAY, now - HOUR, now - WEEK, now + DAY)
    return Errors(row["day"], row["hour"], row["events"], row["timestamp"], row["message"])


async def read_halt(connection: asyncpg.Connection, capabilities: Capabilities) -> Halt:
    if not capabilities.has(*FLAGS):
        return Halt()
    reason = capabilities.column("system_control_flags", "reason", "text")
    row = await connection.fetchrow(HALT.format(reason=reason))
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
    facts: Health


async def load(context: Context) -> HealthView:
    word, reason = status(context.facts)
    on = context.figures.on
    return HealthView(word, STATUS_LEVELS[word], reason, on("health"), on("orders"), on("market"), context.facts.health)


SECTION = Section(
    "health",
    "System Health",
    {
        "system_events",
        "system_control_flags",
        "account_history",
        "orders",
        "strategy_executions",
        "trading_sessions",
        "positions",
    },
    load,
    ticks=5.0,
)
