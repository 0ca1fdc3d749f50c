"""The steps of the equity curve as points of charts, and how much the account changed over a time."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from monitoring.metrics.facts import Equity, Series
from monitoring.projections import ScopeState
from monitoring.projections.days import STEP_SECONDS
from monitoring.projections.timeline import CLOSE, DEEPEST, HIGH, INDEX, LOW, TIME
from monitoring.projections.times import END_OF_TIME, epoch

MIN_GAP_SECONDS = 3 * STEP_SECONDS
"""A pause between snapshots that is at least so long is a gap; more where the engine writes more rarely."""
MAX_GROUPS = 720
"""A long time is shown as at most so many groups of neighbouring steps, because a chart is no wider."""

Positions = npt.NDArray[np.intp]


def gap_after(times: Series) -> npt.NDArray[np.bool_]:
    """True for each step after which the engine was silent for unusually long, shape (steps - 1,)."""
    silence = np.diff(times)
    if not len(silence):
        return np.zeros(0, dtype=np.bool_)
    return silence > max(MIN_GAP_SECONDS, 3 * float(np.median(silence)))


@dataclass(frozen=True, slots=True)
class Groups:
    """Steps put together to as many as a chart can show, never over a gap. Positions in the steps."""

    first: Positions
    last: Positions
    gap: npt.NDArray[np.bool_]
    """Whether the engine was silent after the group."""

    @classmethod
    def of(cls, times: Series) -> "Groups":
        width = STEP_SECONDS * max(1.0, np.ceil((times[-1] - times[0]) / STEP_SECONDS / MAX_GROUPS))
        gaps = gap_after(times)
        borders = np.flatnonzero(gaps | (np.diff(times // width) > 0))
        last = np.append(borders, len(times) - 1)
        return cls(np.append(0, borders + 1), last, np.append(gaps, False)[last])

    def with_gaps(self, times: Series, values: Series) -> Series:
        """(seconds, value) of each group, and (just after, NaN) for each gap."""
        points = np.column_stack((times, values, times + 1.0, np.full_like(times, np.nan))).reshape(-1, 2)
        return points[np.column_stack((np.ones_like(self.gap), self.gap)).ravel()]


def equity_points(steps: Series) -> Series:
    """(seconds, equity): both extremes and the close of every group, in the order nearest to what happened."""
    if not len(steps):
        return np.empty((0, 2))
    groups = Groups.of(steps[:, TIME])
    low, high = np.fmin.reduceat(steps[:, LOW], groups.first), np.fmax.reduceat(steps[:, HIGH], groups.first)
    close, end = steps[groups.last, CLOSE], steps[groups.last, TIME]
    start = steps[groups.first, TIME] // STEP_SECONDS * STEP_SECONDS
    rising = close - low >= high - close
    nothing = np.full_like(end, np.nan)
    points = [
        (start + (end - start) / 3, np.where(rising, low, high)),
        (start + (end - start) / 1.5, np.where(rising, high, low)),
        (end, close),
        (end + 1.0, nothing),
    ]
    moved = low < high
    shown = np.column_stack((moved, moved, np.ones_like(moved), groups.gap))
    return np.stack([np.column_stack(point) for point in points], axis=1)[shown]


def drawdown_points(steps: Series, depth: Series) -> Series:
    """(seconds, percent below the peak, 0 or negative): the deepest of every group, flows taken out."""
    if not len(steps):
        return np.empty((0, 2))
    groups = Groups.of(steps[:, TIME])
    deepest = np.fmax.reduceat(depth[:, DEEPEST], groups.first)
    return groups.with_gaps(steps[groups.last, TIME], -deepest)


@dataclass(frozen=True, slots=True)
class Change:
    """How equity moved by trading: deposits and withdrawals taken out. Unknown where nothing precedes or follows."""

    amount: Decimal | None
    percent: float | None


UNKNOWN_CHANGE = Change(None, None)


def change_since(state: ScopeState, equity: Equity | None, since: datetime) -> Change:
    """The change from the last equity before ``since`` (the initial balance where the session is younger)."""
    latest = state.history.step_before(END_OF_TIME)
    if latest is None or equity is None or equity.at < since or not state.history.flows_known:
        return UNKNOWN_CHANGE
    base = _base(state, since)
    if base is None or base[0] <= 0 or not base[1] > 0:
        return UNKNOWN_CHANGE
    before, index, at = base
    flows = state.history.shown_flows(at, epoch(equity.at))
    amount, percent = equity.amount - Decimal(repr(before)) - flows, (float(latest[INDEX]) / index - 1.0) * 100
    return Change(amount, percent if np.isfinite(percent) else None)


def _base(state: ScopeState, since: datetime) -> tuple[float, float, float] | None:
    """Equity, unit price and time of the last step before ``since``, or of the session's start."""
    step = state.history.step_before(since)
    if step is not None:
        return float(step[CLOSE]), float(step[INDEX]), float(step[TIME])
    session = state.session
    initial = session.initial_balance
    return None if initial is None else (float(initial), float(initial), epoch(session.start))
