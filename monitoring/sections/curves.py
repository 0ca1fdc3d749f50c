"""The ledger's steps as points of charts, and how much the account changed over a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from monitoring.ledger.days import BUCKET, CLOSE, HIGH, INDEX, INDEX_LOW, LOW, TIME
from monitoring.ledger.flows import epoch
from monitoring.metrics.drawdown import running_drawdown
from monitoring.metrics.facts import Facts, Series
from monitoring.sections.section import Context

Point = tuple[float, float | None]

SHORTEST_GAP = 3 * BUCKET
"""Seconds without a snapshot that are a gap at least; more where the engine writes more rarely."""


def gap_after(times: Series) -> npt.NDArray[np.bool_]:
    """True for each step after which the engine was silent for unusually long, shape (steps - 1,)."""
    silence = np.diff(times)
    if not len(silence):
        return np.zeros(0, dtype=np.bool_)
    return silence > max(SHORTEST_GAP, 3 * float(np.median(silence)))


def equity_points(steps: Series) -> list[Point]:
    """(seconds, equity): both extremes and the close of every step, in the order nearest to what happened."""
    points: list[Point] = []
    for step in _with_gaps(steps):
        if step is None:
            points.append((points[-1][0] + 1.0, None))
            continue
        low, high, close, at = step[LOW], step[HIGH], step[CLOSE], step[TIME]
        if low < high:
            start = at - at % BUCKET
            first, second = (high, low) if close - low < high - close else (low, high)
            points.append((start + (at - start) / 3, first))
            points.append((start + (at - start) / 1.5, second))
        points.append((at, close))
    return points


def drawdown_points(steps: Series, initial: float | None) -> list[Point]:
    """(seconds, percent below the peak, 0 or negative): the deepest of every step, flows taken out.

    ``steps`` must begin with the history, since every point is measured against all before it.
    """
    highs = steps[:, HIGH] * steps[:, INDEX] / steps[:, CLOSE]
    both = np.column_stack((np.maximum(highs, steps[:, INDEX]), steps[:, INDEX_LOW])).ravel()
    deepest = running_drawdown(both, initial)[1::2]
    points: list[Point] = []
    position = 0
    for step in _with_gaps(steps):
        if step is None:
            points.append((points[-1][0] + 1.0, None))
        else:
            points.append((float(step[TIME]), -float(deepest[position])))
            position += 1
    return points


def _with_gaps(steps: Series) -> Iterator[Series | None]:
    """The steps in order, with None wherever the engine was silent."""
    gaps = gap_after(steps[:, TIME])
    for position, step in enumerate(steps):
        yield step
        if position < len(gaps) and gaps[position]:
            yield None


@dataclass(frozen=True, slots=True)
class Change:
    """How equity moved by trading: deposits and withdrawals taken out. Unknown where nothing precedes."""

    amount: Decimal | None
    percent: float | None


UNKNOWN_CHANGE = Change(None, None)


def change_since(context: Context, since: datetime) -> Change:
    """The change from the last equity before ``since`` (the initial balance where the session is younger)."""
    facts = context.facts
    steps = context.ledger.history.curve(datetime(1970, 1, 1))
    if not len(steps) or facts.account.equity is None:
        return UNKNOWN_CHANGE
    base = _base(facts, steps, epoch(since))
    if base is None or base[0] <= 0 or base[1] <= 0:
        return UNKNOWN_CHANGE
    equity, index, at = base
    flows = sum((flow.amount for flow in context.ledger.flows.flows if epoch(flow.at) > at), Decimal(0))
    amount = facts.account.equity - Decimal(repr(equity)) - flows
    return Change(amount, (float(steps[-1, INDEX]) / index - 1.0) * 100)


def _base(facts: Facts, steps: Series, since: float) -> tuple[float, float, float] | None:
    """Equity, unit price and time of the last step before ``since``."""
    before = int(np.searchsorted(steps[:, TIME], since, side="right"))
    if before:
        step = steps[before - 1]
        return float(step[CLOSE]), float(step[INDEX]), float(step[TIME])
    initial = facts.session.initial_balance
    return None if initial is None else (float(initial), float(initial), epoch(facts.session.start))
