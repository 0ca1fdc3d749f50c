"""Snapshots that are none: a single equity of zero or less, where the exchange answered nothing for a moment."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitoring.metrics.facts import Series

REACH_SECONDS = 7200.0
"""How far the snapshots before and after may be away."""
SIZE_FACTOR = 2.0
"""Both must be above so many times its size."""

# Its balance may have been booked: then it is true.
UNBOOKED = """
SELECT ARRAY(
    SELECT place FROM unnest($2::timestamp[], $3::timestamp[], $4::float8[]) WITH ORDINALITY
         AS wanted(since, until, balance, place)
    WHERE NOT EXISTS (
        SELECT FROM account_balances b WHERE b.session_id = ANY($1::bigint[])
          AND b.last_updated > wanted.since AND b.last_updated <= wanted.until
          AND round(b.total_balance::numeric, 8) = round(wanted.balance::numeric, 8)
    )
    ORDER BY place
)
"""


def outliers(times: Sequence[float] | Series, equity: Sequence[float] | Series) -> npt.NDArray[np.intp]:
    """Positions of values that fell to zero or less between two good ones; ``equity`` holds no NaN, shape (rows,)."""
    at, value = np.asarray(times, dtype=np.float64), np.asarray(equity, dtype=np.float64)
    if len(value) < 3 or not (value <= 0).any():
        return np.empty(0, dtype=np.intp)
    size = -value[1:-1] * SIZE_FACTOR
    between = (value[1:-1] <= 0) & (value[:-2] > 0) & (value[:-2] > size) & (value[2:] > 0) & (value[2:] > size)
    near = np.diff(at) <= REACH_SECONDS
    return np.flatnonzero(between & near[:-1] & near[1:]) + 1
