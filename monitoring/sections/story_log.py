"""Reads what the strategy logged around a trade: its decisions and the prices that it saw.

The table has an index on its id alone, and a row for each look at each market: it is read by ranges of ids, which a
bisection finds by their times.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from monitoring.database.capabilities import Columns
from monitoring.projections.times import MICROSECOND, shifted
from monitoring.sections.section import Reading
from monitoring.sections.story_rows import LOG_NEEDS
from monitoring.story.chart import Price
from monitoring.story.deal import Deal, Row
from monitoring.story.decision import AFTER_ENTRY, BEFORE_ENTRY

MAX_PRICES = 300
JSON = ("indicators", "ml_predictions", "reasons")
DECISION: Columns = {
    "timestamp": "timestamp",
    **dict.fromkeys(("signal_type", "action_taken", *JSON), "text"),
    "confidence_score": "float8",
    **dict.fromkeys(("price", "position_size"), "numeric"),
    "trade_id": "bigint",
}
# Ids are given in the order of time, but for a moment.
FIRST_ID = """
WITH RECURSIVE search AS (
    SELECT min(id)::bigint AS low, max(id)::bigint + 1 AS high FROM strategy_executions
    UNION ALL
    SELECT CASE WHEN probe.id < high AND probe.timestamp < $1 THEN probe.id::bigint + 1 ELSE low END,
           CASE WHEN probe.id < high AND probe.timestamp < $1 THEN high ELSE (low + high) / 2 END
    FROM search, LATERAL (
        SELECT id, timestamp FROM strategy_executions
        WHERE id >= (search.low + search.high) / 2 ORDER BY id LIMIT 1
    ) probe
    WHERE low < high
)
SELECT low FROM search WHERE low >= high LIMIT 1
"""
"""The id of the first row that is not older than a time, or the next one where there is none; NULL of no rows."""
DECISIONS = """
SELECT {columns} FROM strategy_executions
WHERE id >= $1::bigint AND id < $2::bigint AND symbol = $3 AND session_id = ANY($4::bigint[])
ORDER BY timestamp, id
"""
# The first price of each of so many parts of the range: as many look-ups by id, however many rows there are.
PRICES = """
SELECT found.timestamp::timestamp AS at, found.price::float8 AS price
FROM generate_series($1::bigint, $2::bigint - 1, $5::bigint) AS part (begin), LATERAL (
    SELECT timestamp, price FROM strategy_executions
    WHERE id >= part.begin AND id < least(part.begin + $5::bigint, $2::bigint)
      AND symbol = $3 AND session_id = ANY($4::bigint[]) AND price::float8 > 0 AND price::float8 < 'Infinity'
    ORDER BY id LIMIT 1
) found ORDER BY found.timestamp
"""


async def read_decisions(reading: Reading, deal: Deal) -> Sequence[Row]:
    """What was logged of the market near the entry, oldest first."""
    if deal.opened is None or _fault(reading):
        return ()
    ids = await _ids(reading, shifted(deal.opened, -BEFORE_ENTRY), shifted(deal.opened, AFTER_ENTRY))
    if ids is None:
        return ()
    query = DECISIONS.format(columns=reading.capabilities.columns("strategy_executions", DECISION))
    rows = await reading.connection.fetch(query, *ids, deal.symbol, reading.state.session.ids)
    return [{**row, **{name: _decoded(row[name]) for name in JSON}} for row in rows]


def _decoded(text: str | None) -> object:
    """A JSON column, which may hold JSON as a string; None for what is none."""
    value: object = text
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return None
    return value


async def read_prices(reading: Reading, deal: Deal, span: tuple[datetime, datetime]) -> list[Price]:
    """At most about MAX_PRICES of the prices that were logged, oldest first."""
    if _fault(reading, "price"):
        return []
    ids = await _ids(reading, span[0], shifted(span[1], MICROSECOND))
    if ids is None:
        return []
    step = max(1, (ids[1] - ids[0]) // MAX_PRICES)
    rows = await reading.connection.fetch(PRICES, *ids, deal.symbol, reading.state.session.ids, step)
    return [(row["at"], row["price"]) for row in rows]


def _fault(reading: Reading, *more: str) -> str | None:
    """Why nothing can be read."""
    return reading.capabilities.fault("strategy_executions", *LOG_NEEDS, *more)


async def _ids(reading: Reading, since: datetime, until: datetime) -> tuple[int, int] | None:
    """From the first id of a time on, to the first that is later; None where there is none between."""
    first = await reading.connection.fetchval(FIRST_ID, since)
    last = await reading.connection.fetchval(FIRST_ID, until)
    return (int(first), int(last)) if first is not None and last is not None and first < last else None
