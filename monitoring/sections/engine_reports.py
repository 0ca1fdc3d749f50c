"""Reads what the engine reports of itself: its errors, the kill switch, and whether it only closes positions."""

from datetime import timedelta

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.capabilities import FLAGS, Columns
from monitoring.metrics.reported import CloseOnly, Errors, Halt
from monitoring.sections.event_scope import OF_SCOPE, scope_arguments
from monitoring.sections.section import Reading

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = timedelta(days=7)
"""How far to look back for the last error."""

CLOSE_ONLY_CODES = ("MAX_DRAWDOWN_BREACH", "ACCOUNT_CIRCUIT_BREAKER_TRIP", "CLOSE_ONLY", "SYSTEM_HALT_UNVERIFIED")
"""``error_code`` of the events by which the engine says that it only closes positions."""

IS_ERROR = "lower(severity::text) IN ('error', 'critical')"
ERRORS = """
SELECT counted.*, last.* FROM (
    SELECT count(*) FILTER (WHERE {is_error}) AS day, count(*) FILTER (WHERE timestamp > $5 AND {is_error}) AS hour,
           count(*) FILTER (WHERE timestamp > $5) AS events
    FROM system_events WHERE timestamp > $4 AND timestamp <= $7 AND {of_scope}
) counted LEFT JOIN LATERAL (
    SELECT timestamp, {message} AS message FROM system_events
    WHERE timestamp BETWEEN $6 AND $7 AND {of_scope} AND {is_error}
    ORDER BY timestamp DESC, id DESC LIMIT 1
) last ON true
"""
CLOSE_ONLY = f"""
WITH recent AS (
    SELECT id, timestamp, error_code, {{message}} AS message FROM system_events
    WHERE timestamp > $4 AND timestamp <= $5 AND {OF_SCOPE}
)
SELECT timestamp, error_code, message FROM recent
WHERE error_code = ANY($6::text[])
  AND NOT EXISTS (SELECT FROM recent cleared WHERE right(cleared.error_code, 8) = '_CLEARED'
                  AND (cleared.timestamp, cleared.id) > (recent.timestamp, recent.id))
  AND NOT EXISTS (SELECT FROM trading_sessions s WHERE s.id = ANY($1::bigint[]) AND s.start_time <= recent.timestamp
                  AND {{end}} BETWEEN recent.timestamp AND $7)
ORDER BY timestamp, id LIMIT 1
"""
FLAG: Columns = {"active": "bool", "reason": "text", "updated_at": "timestamp", "source": "text"}
HALT = """
SELECT {columns} FROM system_control_flags
WHERE name = 'system_halt' ORDER BY id DESC LIMIT 1
"""


async def read_errors(reading: Reading) -> Errors:
    capabilities, now = reading.capabilities, reading.now
    if not capabilities.has("system_events", "timestamp", "session_id", "severity"):
        return Errors()
    query = ERRORS.format(
        is_error=IS_ERROR, of_scope=OF_SCOPE, message=capabilities.column("system_events", "message", "text")
    )
    limits = (now - DAY, now - HOUR, now - WEEK, now + MAX_CLOCK_SKEW)
    row = await reading.connection.fetchrow(query, *scope_arguments(reading.state, now), *limits)
    return Errors(row["day"], row["hour"], row["events"], row["timestamp"], row["message"])


async def read_halt(reading: Reading) -> Halt:
    capabilities = reading.capabilities
    if not capabilities.has(*FLAGS):
        return Halt(None, unknown=capabilities.fault(*FLAGS), hidden=capabilities.hides(*FLAGS))
    row = await reading.connection.fetchrow(HALT.format(columns=capabilities.columns("system_control_flags", FLAG)))
    if row is None:
        return Halt(active=False)
    return Halt(bool(row["active"]), row["reason"], since=row["updated_at"], by=row["source"])


async def read_close_only(reading: Reading) -> CloseOnly | None:
    """Since when the engine only closes positions; None where nothing says so."""
    if not reading.capabilities.has("system_events", "id", "timestamp", "session_id", "error_code"):
        return None
    capabilities, now = reading.capabilities, reading.now
    query = CLOSE_ONLY.format(
        message=capabilities.column("system_events", "message", "text"),
        end=capabilities.column("trading_sessions", "end_time", "timestamp", "s"),
    )
    scope, until = scope_arguments(reading.state, now), now + MAX_CLOCK_SKEW
    row = await reading.connection.fetchrow(query, *scope, now - DAY, until, list(CLOSE_ONLY_CODES), now)
    return row and CloseOnly(row["timestamp"], row["error_code"], row["message"])
