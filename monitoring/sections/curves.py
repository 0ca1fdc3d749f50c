"""The ledger's steps as points of charts, declines along them, and how much the account changed over a time."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from monitoring.ledger.days import BUCKET, CLOSE, DROP, HIGH, INDEX, INDEX_HIGH, INDEX_LOW, LOW, TIME
from monitoring.ledger.flows import epoch
from monitoring.metrics.facts import Facts, Series
from monitoring.sections.section import Context

BEGINNING = datetime(1970, 1, 1)

SHORTEST_GAP = 3 * BUCKET
"""Seconds without a snapshot that are a gap at least; more where the engine writes more rarely."""


def gap_after(times: Series) -> npt.NDArray[np.bool_]:
    """True for each step after which the engine was silent for unusually long, shape (steps - 1,)."""
    silence = np.diff(times)
    if not len(silence):
        return np.zeros(0, dtype=np.bool_)
    return silence > max(SHORTEST_GAP, 3 * float(np.median(silence)))


def equity_points(steps: Series) -> Series:
    """(seconds, equity), shape (points, 2): both extremes and the close of every step, NaN where a gap begins.

    The extremes stand between the beginning of the step and its close, the one further from the close first.
    """
    close, at = steps[:, CLOSE], steps[:, TIME]
    start = at - at % BUCKET
    low_first = close - steps[:, LOW] >= steps[:, HIGH] - close
    first = np.where(low_first, steps[:, LOW], steps[:, HIGH])
    second = np.where(low_first, steps[:, HIGH], steps[:, LOW])
    points = np.stack(
        (
            np.column_stack((start + (at - start) / 3, first)),
            np.column_stack((start + (at - start) / 1.5, second)),
            np.column_stack((at, close)),
        ),
        axis=1,
    )
    return _with_gaps(points.reshape(-1, 2), at, each=3)


def drawdown_points(steps: Series, initial: float | None) -> Series:
    """(seconds, percent below the peak, 0 or negative), shape (points, 2): the deepest of every step.

    ``steps`` must begin with the history, since every point is measured against all before it.
    """
    deepest, _ = drawdowns(steps, initial)
    return _with_gaps(np.column_stack((steps[:, TIME], -deepest)), steps[:, TIME], each=1)


def drawdowns(steps: Series, initial: float | None) -> tuple[Series, Series]:
    """Percent below the running peak, flows taken out: the deepest within each step, and at its close; (steps,) each.

    Exact: a step's deepest is either below the peak of all steps before it, or a decline within the step, which the
    ledger has measured row by row.
    """
    seed = initial if initial is not None and initial > 0 else 0.0
    peaks = np.maximum(np.fmax.accumulate(steps[:, INDEX_HIGH]) if len(steps) else steps[:, INDEX_HIGH], seed)
    before = np.concatenate(([seed], peaks))[: len(steps)]
    deepest = np.fmax(_lost(steps[:, INDEX_LOW], before), steps[:, DROP])
    return deepest * 100, _lost(steps[:, INDEX], peaks) * 100


def _lost(value: Series, peak: Series) -> Series:
    """The share of ``peak`` that is gone, 0 to 1; 0 where there is no peak yet."""
    kept = np.divide(np.maximum(value, 0.0), peak, out=np.ones_like(value), where=peak > 0)
    return np.maximum(1.0 - kept, 0.0)


def _with_gaps(points: Series, times: Series, each: int) -> Series:
    """``points`` (``each`` a step) with an unknown one behind every step after which the engine was silent."""
    silent = np.flatnonzero(gap_after(times))
    unknown = np.column_stack((times[silent] + 1.0, np.full(len(silent), np.nan)))
    found: Series = np.insert(points, (silent + 1) * each, unknown, axis=0)
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """How equity moved by trading: deposits and withdrawals taken out. Unknown where nothing precedes or follows."""

    amount: Decimal | None
    percent: float | None


UNKNOWN_CHANGE = Change(None, None)


def change_since(context: Context, since: datetime) -> Change:
    """The change from the last equity before ``since`` (the initial balance where the session is younger)."""
    account = context.facts.account
    steps = context.ledger.history.curve(BEGINNING)
    if not len(steps) or account.equity is None or account.equity_at is None or account.equity_at < since:
        return UNKNOWN_CHANGE
    base = _base(context.facts, steps, epoch(since))
    if base is None or base[0] <= 0 or base[1] <= 0:
        return UNKNOWN_CHANGE
    equity, index, at = base
    flows = context.ledger.flows.shown(at, epoch(account.equity_at))
    amount = account.equity - Decimal(repr(equity)) - flows
    return Change(amount, (float(steps[-1, INDEX]) / index - 1.0) * 100)


def _base(facts: Facts, steps: Series, since: float) -> tuple[float, float, float] | None:
    """Equity, unit price and time of the last step before ``since``."""
    before = int(np.searchsorted(steps[:, TIME], since, side="right"))
    if before:
        step = steps[before - 1]
        return float(step[CLOSE]), float(step[INDEX]), float(step[TIME])
    initial = facts.session.initial_balance
    return None if initial is None else (float(initial), float(initial), epoch(facts.session.start))
