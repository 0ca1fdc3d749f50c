"""Finds whether the books have disagreed for a while, and since which snapshot.

What is unexplained at a past moment is what is now, without all that was booked since: results of closed trades, flows
that snapshots came to hold, entry fees and partial exits. A position that was closed since counts as open until then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.source import Source
from monitoring.metrics.books import explained, unexplained
from monitoring.metrics.facts import Facts, Series
from monitoring.metrics.troubles import Rows
from monitoring.metrics.value import Unknown
from monitoring.projections.days import STEP_SECONDS
from monitoring.projections.equity_curve import EquityCurve
from monitoring.projections.snapshots import SnapshotReader
from monitoring.projections.timeline import BALANCE, EQUITY, TIME
from monitoring.projections.times import EPOCH, MICROSECOND, epoch, from_epoch, shifted
from monitoring.sections.account_rows import read_booking
from monitoring.sections.past_bookings import Bookings, read_bookings
from monitoring.sections.section import Context

MAX_UNEXPLAINED_SHARE = 0.001
"""Of the equity: the books agree while no more is unexplained."""
SETTLING_TIME = timedelta(minutes=10)
"""The engine writes a trade, its booking and its snapshot one after the other."""
LOOK_BACKS = (timedelta(days=2), timedelta(days=60), timedelta(days=36_500))
"""How far the books are read back, one after the other, until a snapshot is found that agreed."""

BOOKING = {"id": "bigint", "last_updated": "timestamp", "total_balance": "float8"}


@dataclass(frozen=True, slots=True)
class _Past:
    """What was unexplained at moments of the past, the earliest of which is ``start``; all are epoch seconds."""

    start: float
    history: EquityCurve
    explained: float
    """The sum of now, without the exits that the engine wrote no P&L of."""
    moved: float
    """The flows and corrections in it."""
    bookings: Bookings
    computed: Bookings
    """Those exits: some engines book them, some do not."""

    def left(self, times: Series, balances: Series, moved: Series | float) -> Series:
        """Its size, where balances hold so much of flows and corrections; shape (times,)."""
        written = self.explained - self.bookings.later(times) - self.moved + moved - balances
        found: Series = np.minimum(np.abs(written), np.abs(written + self.computed.until(times)))
        return found

    def agrees(self, rows: Series) -> npt.NDArray[np.bool_]:
        """Of snapshots, shape (rows, columns of the curve)."""
        left = self.left(rows[:, TIME], rows[:, BALANCE], self.history.moved_until(rows[:, TIME]))
        found: npt.NDArray[np.bool_] = left <= MAX_UNEXPLAINED_SHARE * np.abs(rows[:, EQUITY])
        return found


async def disagreement_of_books(context: Context) -> Rows | None:
    """The first snapshot since which the books disagree; of no time where none shows it yet.

    None where they agree, did so ten minutes ago, or cannot be known. Raises DatabaseUnavailable.
    """
    settled = context.now - SETTLING_TIME
    if disagreement(context.facts) is None or await _agreed(context, await _past(context, settled), settled):
        return None
    rows = _snapshots(context.state.history.snapshots.curve(EPOCH), settled)
    for look_back in LOOK_BACKS:
        past = await _past(context, shifted(context.now, -look_back))
        later = rows[rows[:, TIME] >= past.start]
        agreed = np.flatnonzero(past.agrees(later))
        if len(agreed):
            return Rows(1, await _first(context, past, later[agreed[-1] :, TIME], settled))
    return Rows(1, from_epoch(rows[0, TIME]) if len(rows) else None)


def disagreement(facts: Facts) -> float | None:
    """What the books leave unexplained; None where that is little, or unknown."""
    try:
        now = float(unexplained(facts))
    except Unknown:
        return None
    equity = facts.equity
    return now if equity is not None and abs(now) > MAX_UNEXPLAINED_SHARE * abs(float(equity.amount)) else None


async def _agreed(context: Context, past: _Past, at: datetime) -> bool:
    """Whether the newest balance of a moment was explained."""
    rows = await _newest(context, at)
    booked = await read_booking(replace(context, now=at - MAX_CLOCK_SKEW), BOOKING)
    times = np.array([epoch(at)])
    left = past.left(times, rows[:, BALANCE], past.history.moved_until(times))
    if booked is not None and not (len(rows) and epoch(booked["last_updated"]) < rows[-1, TIME]):
        left = past.left(times, np.array([booked["total_balance"]]), await _moved(context, past, rows, booked))
    share = MAX_UNEXPLAINED_SHARE * (rows[-1, EQUITY] if len(rows) else past.explained)
    return not (left > abs(share)).any()


async def _moved(context: Context, past: _Past, rows: Series, booked: Mapping[str, Any]) -> float:
    """The flows that a booked balance holds, perhaps before any snapshot does; ``rows``: the snapshot before it."""
    start = float(context.state.session.initial_balance or 0)
    behind = (float(rows[-1, TIME]), float(rows[-1, BALANCE])) if len(rows) else (-np.inf, start)
    source, at = Source(context.connection, context.capabilities), epoch(booked["last_updated"])
    return float(await past.history.moved(source, context.state.session.ids, at, booked["total_balance"], behind))


async def _newest(context: Context, at: datetime) -> Series:
    """The newest snapshot of a moment, shape (1, 3), or (0, 3) before the first."""
    last_step = from_epoch(epoch(at) // STEP_SECONDS * STEP_SECONDS)
    before = _snapshots(context.state.history.snapshots.curve(EPOCH), last_step)
    return np.concatenate([before[:, [TIME, EQUITY, BALANCE]], await _between(context, last_step, at)])[-1:]


async def _first(context: Context, past: _Past, kept: Series, until: datetime) -> datetime | None:
    """The first of the snapshots that disagree, behind the last of ``kept`` that agrees; None without any.

    Among those of the step of the next one, which the curve does not keep, others may agree.
    """
    end = from_epoch((kept[1] // STEP_SECONDS + 1) * STEP_SECONDS) if len(kept) > 1 else until
    rows = await _between(context, from_epoch(kept[0]), min(end, until))
    agreed = np.flatnonzero(past.agrees(rows))
    rows = rows[int(agreed[-1]) + 1 :] if len(agreed) else rows
    return from_epoch(rows[0, TIME]) if len(rows) else None


def _snapshots(rows: Series, until: datetime) -> Series:
    """Those of the curve, or of the database, whose balance is known."""
    known = np.isfinite(rows[:, BALANCE]) & np.isfinite(rows[:, EQUITY])
    return rows[known & (rows[:, TIME] <= epoch(until))]


async def _between(context: Context, start: datetime, end: datetime) -> Series:
    """All snapshots of the time, both ends included; shape (rows, 3)."""
    reader = SnapshotReader.of(context.connection, context.capabilities)
    rows = await reader.between(context.state.session.ids, start, shifted(end, MICROSECOND))
    return _snapshots(np.column_stack((rows.times, rows.equity, rows.balance)), end)


async def _past(context: Context, start: datetime) -> _Past:
    """What is left unexplained now tells what was since ``start``."""
    facts = context.facts
    bookings, computed = await read_bookings(context, start)
    return _Past(
        start=epoch(start),
        history=context.state.history.snapshots,
        explained=float(explained(facts)),
        moved=float(facts.books.moved) if facts.books else 0.0,
        bookings=bookings,
        computed=computed,
    )
