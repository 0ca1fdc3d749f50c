"""What was booked as profit, loss or cost: the balance that the next snapshot is expected to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from monitoring.database.source import Source
from monitoring.metrics.facts import Series
from monitoring.projections.bookings import BEFORE, CURRENCY, INITIAL
from monitoring.projections.snapshots import NEAR_TWIN, booking_marks
from monitoring.projections.times import EPOCH, epoch, from_epoch

# The engine does not take an adjustment over at once: its own change is more certain than the difference of totals.
RESULTS = f"""
SELECT b.last_updated AS at,
       coalesce(trace.daily_pnl, b.total_balance - coalesce(before.total_balance, {{initial}}))::float8 AS amount
FROM account_balances b {BEFORE}
LEFT JOIN LATERAL (
    SELECT {{change}} AS daily_pnl FROM account_history WHERE account_history.session_id = b.session_id
      AND {NEAR_TWIN.format(twin="b")} AND {{marks}}
    ORDER BY abs(extract(epoch FROM timestamp - b.last_updated)), id LIMIT 1
) trace ON true
WHERE b.session_id = ANY($1::bigint[]) AND b.last_updated > $2 AND b.last_updated <= $3
  AND NOT b.id = ANY($4::bigint[]) AND {CURRENCY.format(row="b")}
"""


@dataclass(frozen=True, slots=True)
class ResultReader:
    """Reads ``account_balances`` of some sessions, without the flows that wait to be shown."""

    source: Source
    sessions: Sequence[int]
    flow_ids: Sequence[int | str]

    async def between(self, after: float, until: float) -> tuple[Series, Series]:
        """Times and amounts of the results after one moment and up to another, epoch seconds; shape (results,) each."""
        capabilities = self.source.capabilities
        initial = INITIAL if capabilities.has("trading_sessions", "id", "initial_balance") else "NULL::numeric"
        change = capabilities.column("account_history", "daily_pnl", "numeric")
        query = RESULTS.format(initial=initial, marks=booking_marks(capabilities), change=change)
        start = from_epoch(after) if np.isfinite(after) else _BEGIN
        rows = await self.source.connection.fetch(query, self.sessions, start, from_epoch(until), self.flow_ids)
        known = [(epoch(row["at"]), row["amount"]) for row in rows if row["amount"] is not None]
        found = np.array(known, dtype=np.float64).reshape(-1, 2)
        found = found[np.isfinite(found[:, 1])]
        return found[:, 0], found[:, 1]


_BEGIN: datetime = EPOCH
