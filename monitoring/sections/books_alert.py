"""Finds since when the balance differs from what trades, fees and bookings add up to.

The sum at a past snapshot is the sum of now without all that was booked since. Entry fees and partial exits of open
positions are read for it, and those of positions that were closed in the last minutes.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from monitoring.metrics.books import unexplained
from monitoring.metrics.facts import Facts, Series
from monitoring.metrics.value import Unknown
from monitoring.projections.timeline import BALANCE, EQUITY, TIME
from monitoring.projections.times import EPOCH, epoch, from_epoch
from monitoring.sections.books import read_booked
from monitoring.sections.section import Context

MAX_UNEXPLAINED_SHARE = 0.001
"""Of the equity: the books agree while no more is unexplained."""
SETTLING_TIME = timedelta(minutes=10)
"""The engine writes a trade, its booking and its snapshot one after the other."""


class _Booked(NamedTuple):
    """An amount that is part of the sum from a moment on, in epoch seconds."""

    at: float
    amount: float


async def books_disagree_since(context: Context) -> datetime | None:
    """When the first snapshot of the present difference was written; None where the books agree or cannot be known.

    None, too, where the books agreed ten minutes ago. Raises DatabaseUnavailable.
    """
    now, balance = disagreement(context.facts), context.facts.account.balance
    if now is None or balance is None:
        return None
    steps = context.state.history.curve(EPOCH)
    settled = steps[:, TIME] <= epoch(context.now - SETTLING_TIME)
    steps = steps[settled & np.isfinite(steps[:, BALANCE]) & np.isfinite(steps[:, EQUITY])]
    if not len(steps):
        return None
    since = await _booked_since(context, steps[:, TIME])
    left = now + float(balance) - since - steps[:, BALANCE]
    agrees = np.flatnonzero(np.abs(left) <= MAX_UNEXPLAINED_SHARE * np.abs(steps[:, EQUITY]))
    first = int(agrees[-1]) + 1 if len(agrees) else 0
    return from_epoch(float(steps[first, TIME])) if first < len(steps) else None


def disagreement(facts: Facts) -> float | None:
    """What the books leave unexplained; None where that is little, or unknown."""
    try:
        now = float(unexplained(facts))
    except Unknown:
        return None
    return (
        now if facts.equity is not None and abs(now) > MAX_UNEXPLAINED_SHARE * abs(float(facts.equity.amount)) else None
    )


async def _booked_since(context: Context, times: Series) -> Series:
    """What counts as explained only since each of the times, shape (times,)."""
    history, closed = context.state.history, _closed_since(context, float(times[-1]))
    pending = {flow.id for flow in history.unshown}
    booked = [_Booked(epoch(f.at), float(f.amount)) for f in context.state.flows if f.id not in pending]
    booked += [_Booked(epoch(gap.at), float(gap.amount)) for gap in history.gaps]
    booked += await _of_positions(context, closed)
    tables = [table.rows for table in context.state.trades.tables]
    moments = np.concatenate([[one.at for one in booked], *(rows["exit"] / 1e6 for rows in tables)])
    amounts = np.concatenate([[one.amount for one in booked], *(rows["net"] for rows in tables)])
    order = np.argsort(moments, kind="stable")
    sums = np.concatenate([[0.0], np.nancumsum(amounts[order])])
    found: Series = sums[-1] - sums[np.searchsorted(moments[order], times, side="right")]
    return found


def _closed_since(context: Context, at: float) -> dict[int, float]:
    """By position when it was closed: it counts as open until then."""
    rows = [row for table in context.state.trades.tables for row in table.rows[table.rows["exit"] > at * 1e6]]
    return {int(row["position"]): row["exit"] / 1e6 for row in rows if row["position"]}


async def _of_positions(context: Context, closed: dict[int, float]) -> list[_Booked]:
    """Fees and partial exits of positions; those of a closed one are part of its trade from then on."""
    found = []
    for one in await read_booked(context, [*context.state.positions.open_ids, *closed]):
        found.append(_Booked(epoch(one.at), one.amount))
        if one.position in closed:
            found.append(_Booked(closed[one.position], -one.amount))
    return found
