"""The equity curve as points of charts, and how much the account changed over a time."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from monitoring.metrics.facts import Equity, Series
from monitoring.projections import ScopeState
from monitoring.projections.days import STEP_SECONDS, extremes
from monitoring.projections.timeline import DEPTH, EQUITY, EXPOSURE, INDEX, TIME
from monitoring.projections.times import END_OF_TIME, epoch

MIN_GAP_SECONDS = 3 * STEP_SECONDS
"""A pause between snapshots that is at least so long is a gap; more where the engine writes more rarely."""
MAX_GROUPS = 720
"""A long time is shown as at most so many groups of neighbouring snapshots, because a chart is no wider."""


def gap_after(times: Series) -> npt.NDArray[np.bool_]:
    """True for each snapshot after which the engine was silent for unusually long, shape (rows - 1,)."""
    silence = np.diff(times)
    last_of_step = times[np.diff(times // STEP_SECONDS, append=np.inf) != 0]
    usual = float(np.median(np.diff(last_of_step))) if len(last_of_step) > 1 else 0.0
    return silence > max(MIN_GAP_SECONDS, 3 * usual)


def equity_points(curve: Series) -> Series:
    """(seconds, equity) of the first, lowest, highest and last snapshot of each group; NaN just after it for a gap."""
    return _thinned(curve[:, TIME], curve[:, EQUITY])


def growth_points(curve: Series) -> Series:
    """(seconds, equity without deposits: the price of a unit that began at the initial balance), of the same."""
    return _thinned(curve[:, TIME], curve[:, INDEX])


def drawdown_points(curve: Series) -> Series:
    """(seconds, percent below the peak, 0 or negative), of the same and flows taken out."""
    return _thinned(curve[:, TIME], -curve[:, DEPTH])


def exposure_points(curve: Series) -> Series:
    """(seconds, value of the open positions at entry in percent of equity), of the same."""
    return _thinned(curve[:, TIME], curve[:, EXPOSURE])


def _thinned(times: Series, values: Series) -> Series:
    if not len(times):
        return np.empty((0, 2))
    width = STEP_SECONDS * max(1.0, np.ceil((times[-1] - times[0]) / STEP_SECONDS / MAX_GROUPS))
    gaps = gap_after(times)
    groups = np.append(0, np.cumsum(gaps | (np.diff(times // width) > 0)))
    kept = extremes(groups, values, -values)
    gap, times, values = np.append(gaps, False)[kept], times[kept], values[kept]
    points = np.column_stack((times, values, times + 1.0, np.full_like(times, np.nan))).reshape(-1, 2)
    shown: Series = points[np.column_stack((np.ones_like(gap), gap)).ravel()]
    return shown


@dataclass(frozen=True, slots=True)
class Change:
    """How equity moved by trading: deposits and withdrawals taken out. Unknown where nothing precedes or follows."""

    amount: Decimal | None
    percent: float | None


UNKNOWN_CHANGE = Change(None, None)


def change_since(state: ScopeState, equity: Equity | None, since: datetime) -> Change:
    """The change from the last equity before ``since`` (the initial balance where the session is younger)."""
    latest = state.history.before(END_OF_TIME)
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
    """Equity, unit price and time of the last snapshot before ``since``, or of the session's start."""
    step = state.history.before(since)
    if step is not None:
        return float(step[EQUITY]), float(step[INDEX]), float(step[TIME])
    session = state.session
    initial = session.initial_balance
    return None if initial is None else (float(initial), float(initial), epoch(session.start))
