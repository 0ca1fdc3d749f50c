"""By how much the engine changed the size of its newest entry."""

from datetime import datetime, timedelta

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.capabilities import Columns
from monitoring.database.owners import owner
from monitoring.metrics.reported import Entry, RiskAdjustment
from monitoring.projections.times import shifted
from monitoring.sections.section import Reading

ADJUSTMENT: Columns = {
    "timestamp": "timestamp",
    "adjusted_value": "float8",
    "trigger_reason": "text",
    "adjustment_type": "text",
}
ADJUSTMENTS_NEED = ("session_id", "parameter_name", "timestamp")
# By the index on the time.
NEWEST_ENTRY = """
SELECT entry_time FROM {table} WHERE entry_time <= $2 AND entry_time > '0001-01-01' AND {owner} = ANY($1::bigint[])
ORDER BY entry_time DESC LIMIT 1
"""
OF_ENTRY = """
SELECT {columns} FROM risk_adjustments
WHERE session_id = ANY($1::bigint[]) AND parameter_name = 'position_size_factor'
  AND timestamp BETWEEN $3::timestamp AND $4::timestamp
ORDER BY abs(extract(epoch FROM timestamp) - extract(epoch FROM $2::timestamp)), timestamp DESC LIMIT 1
"""
"""The engine logs an adjustment when it sizes an entry, and nothing when the factor is 1 again."""
NEAR = timedelta(seconds=60)


async def read_newest_entry(reading: Reading) -> Entry | None:
    """None where the table of adjustments cannot be read."""
    if not reading.capabilities.has("risk_adjustments", *ADJUSTMENTS_NEED):
        return None
    at = await _newest_entry(reading)
    return Entry(at, await read_adjustment(reading, at) if at else None)


async def read_adjustment(reading: Reading, at: datetime) -> RiskAdjustment | None:
    """How the size of the entry of a moment was changed; None where it was not, or where that cannot be read."""
    if not reading.capabilities.has("risk_adjustments", *ADJUSTMENTS_NEED):
        return None
    query = OF_ENTRY.format(columns=reading.capabilities.columns("risk_adjustments", ADJUSTMENT))
    near = shifted(at, -NEAR), shifted(at, NEAR)
    row = await reading.connection.fetchrow(query, reading.state.session.ids, at, *near)
    if row is None:
        return None
    return RiskAdjustment(row["adjusted_value"], row["trigger_reason"] or row["adjustment_type"], row["timestamp"])


async def _newest_entry(reading: Reading) -> datetime | None:
    until, found = reading.now + MAX_CLOCK_SKEW, []
    for table in ("positions", "trades"):
        if not reading.capabilities.has(table, "entry_time", "session_id"):
            continue
        if table == "trades" and _has_no_trades(reading):
            continue
        query = NEWEST_ENTRY.format(table=table, owner=owner(reading.capabilities, table, table))
        found.append(await reading.connection.fetchval(query, reading.state.session.ids, until))
    return max((at for at in found if at is not None), default=None)


def _has_no_trades(reading: Reading) -> bool:
    """Then the whole index would be read to find none."""
    sums = reading.state.trades.sums(reading.now)
    return sums is not None and sums.total == 0
