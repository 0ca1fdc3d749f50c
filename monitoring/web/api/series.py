"""The account's curve as columns for charts, thinned so that a long one keeps its last point and its extremes."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from monitoring.metrics.facts import Series
from monitoring.payloads import plain
from monitoring.projections.timeline import AT_CLOSE, BALANCE, CLOSE, TIME
from monitoring.projections.times import shifted
from monitoring.sections import Context, ranges
from monitoring.sections.daily_pnl import net_by_day

MAX_POINTS = 2000
POINTS_PER_GROUP = 4
"""Lowest and highest equity, deepest drawdown, last."""

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Curve:
    """Parallel lists, oldest first; None where a figure is unknown."""

    timestamps: list[str]
    balance: list[object]
    equity: list[object]
    drawdown: list[object]
    """Percent below the peak of the whole history, deposits and withdrawals taken out."""


def read_curve(context: Context, days: int) -> Curve:
    """The last ``days`` days before now, or before the newest data of what is over."""
    history, since = context.state.history, shifted(ranges.until(context), -timedelta(days=days))
    steps, drawdown = history.curve(since), history.depth(since)[:, AT_CLOSE]
    kept = thinned(steps[:, CLOSE], drawdown, MAX_POINTS)
    steps, drawdown = steps[kept], drawdown[kept]
    return Curve(
        _moments(steps[:, TIME]),
        _column(steps[:, BALANCE]),
        _column(steps[:, CLOSE]),
        _column(drawdown),
    )


def thinned(equity: Series, drawdown: Series, most: int) -> Positions:
    """Which points to keep, at most about ``most``: of each group of neighbours its extremes and its last."""
    count = len(equity)
    if count <= most:
        return np.arange(count)
    width = -(-count // (most // POINTS_PER_GROUP))
    starts = np.arange(0, count, width)
    filled = np.pad(equity, (0, len(starts) * width - count), mode="edge").reshape(-1, width)
    deep = np.pad(drawdown, (0, len(starts) * width - count), mode="edge").reshape(-1, width)
    chosen = (filled.argmin(axis=1), filled.argmax(axis=1), deep.argmax(axis=1), np.full(len(starts), width - 1))
    kept = np.concatenate([starts + choice for choice in chosen])
    return np.unique(np.minimum(kept, count - 1))


def _moments(seconds: Series) -> list[str]:
    """Seconds since 1970 as ISO-8601, UTC, to the millisecond."""
    moments = np.datetime_as_string((seconds * 1e3).astype("datetime64[ms]"))
    return [f"{moment}+00:00" for moment in moments.tolist()]


def _column(values: Series) -> list[object]:
    column: list[object] = values.tolist()
    for place in np.flatnonzero(~np.isfinite(values)).tolist():
        column[place] = None
    return column


def daily_pnl(context: Context, days: int) -> tuple[list[str], list[object]]:
    """UTC days and the net P&L of the trades closed on each, from the first with a trade on."""
    shown = net_by_day(context, timedelta(days=days))
    return [day.isoformat() for day, _ in shown], [plain(net) for _, net in shown]
