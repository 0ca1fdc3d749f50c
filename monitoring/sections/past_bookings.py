"""What was booked since a moment, as arrays: results of trades, and what positions booked before they were closed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from monitoring.metrics.facts import Series
from monitoring.projections.packed import floats, integers, moments, packed
from monitoring.projections.times import sum_until
from monitoring.sections.books import booked_queries
from monitoring.sections.section import Context

COMPUTED = """
SELECT part.position_id::bigint AS position, part.timestamp AS at,
       ((part.price - held.entry_price) * held.quantity * part.size / nullif(held.original_size, 0)
        * CASE WHEN upper(held.side::text) IN ('LONG', 'BUY') THEN 1 ELSE -1 END)::float8 AS amount
FROM partial_trades part JOIN positions held ON held.id = part.position_id
WHERE part.position_id = ANY($1::bigint[]) AND part.operation_type::text = 'PARTIAL_EXIT' AND part.pnl IS NULL
  AND part.price > 0 AND held.entry_price > 0
"""
"""Exits that the engine wrote no P&L of."""
PACKED = f"""
SELECT {packed("position", "bigint")} AS positions, {packed("at", "timestamp")} AS times,
       {packed("amount", "float8")} AS amounts
FROM ({{rows}}) booked WHERE amount > '-Infinity' AND amount < 'Infinity' AND at IS NOT NULL HAVING count(*) > 0
"""


@dataclass(frozen=True, slots=True)
class Bookings:
    """Epoch seconds and amounts, shape (bookings,) each; those of closed positions are taken back at their close."""

    moments: Series
    amounts: Series

    def until(self, times: Series) -> Series:
        """Sums at the times, in their shape."""
        return sum_until(times, self.moments, self.amounts)

    def later(self, times: Series) -> Series:
        """Sums of what was booked after the times."""
        found: Series = np.nansum(self.amounts) - self.until(times)
        return found


@dataclass(frozen=True, slots=True)
class _Closed:
    """Positions, each once, ascending, and when these were closed (epoch seconds)."""

    ids: npt.NDArray[np.int64]
    at: Series


def _closed(named: npt.NDArray[np.int64], exits: Series, open_ids: list[int]) -> _Closed:
    """What trades name that is not open (again), with the last exit of each."""
    known = (named > 0) & ~np.isin(named, open_ids)
    order = np.lexsort((exits[known], named[known]))
    ids, at = named[known][order], exits[known][order]
    last = np.diff(ids, append=-1) != 0
    return _Closed(ids[last], at[last])


async def read_bookings(context: Context, start: datetime) -> tuple[Bookings, Bookings]:
    """Of the time since ``start``; and of exits whose P&L the engine did not write, as computed from their prices."""
    later = [table.between(start) for table in context.state.trades.tables.values()]
    exits, nets, named = (
        np.concatenate([np.empty(0), *(rows[name] for rows in later)]) for name in ("exit", "net", "position")
    )
    closed = _closed(named.astype(np.int64), exits / 1e6, context.state.positions.open_ids)
    written = await _of_positions(context, closed, [query for query, _ in booked_queries(context.capabilities)])
    found = Bookings(np.append(written.moments, exits / 1e6), np.append(written.amounts, nets))
    return found, await _of_positions(context, closed, [COMPUTED] if _can_compute(context) else [])


def _can_compute(context: Context) -> bool:
    books, capabilities = context.facts.books, context.capabilities
    return (
        books is not None
        and capabilities.has("partial_trades", "position_id", "operation_type", "timestamp", "price", "size", "pnl")
        and capabilities.has("positions", "id", "side", "entry_price", "quantity", "original_size")
    )


async def _of_positions(context: Context, closed: _Closed, queries: Iterable[str]) -> Bookings:
    """Of those that are open, or were closed since."""
    ids = [*context.state.positions.open_ids, *closed.ids.tolist()]
    rows = [await context.connection.fetchrow(PACKED.format(rows=query), ids) for query in queries]
    found = [row for row in rows if row is not None]
    positions = integers(row["positions"] for row in found)
    times, amounts = moments(row["times"] for row in found) / 1e6, floats(row["amounts"] for row in found)
    place = np.searchsorted(closed.ids, positions)
    is_closed = np.append(closed.ids, -1)[place] == positions
    # What came later than the close was never part of the sum.
    at_close = np.maximum(closed.at[place[is_closed]], times[is_closed])
    return Bookings(np.append(times, at_close), np.append(amounts, -amounts[is_closed]))
