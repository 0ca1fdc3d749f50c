"""The account's curve as columns for charts, thinned so that a long one keeps its last point and its extremes."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from monitoring.metrics.facts import Series
from monitoring.payloads import plain
from monitoring.projections.days import Positions, extremes
from monitoring.projections.timeline import BALANCE, DEPTH, EQUITY, TIME
from monitoring.projections.times import shifted
from monitoring.sections import Context, ranges
from monitoring.sections.realised import net_by_day

MAX_POINTS = 2000
MAX_GROUP_POINTS = 5
"""First, lowest and highest equity, deepest drawdown, last."""


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
    curve = context.state.history.curve(shifted(ranges.until(context), -timedelta(days=days)))
    curve = curve[thinned(curve[:, EQUITY], curve[:, DEPTH], MAX_POINTS)]
    return Curve(
        _moments(curve[:, TIME]), _column(curve[:, BALANCE]), _column(curve[:, EQUITY]), _column(curve[:, DEPTH])
    )


def thinned(equity: Series, drawdown: Series, most: int) -> Positions:
    """Which points to keep, at most ``most``: of each group of neighbours its ends and its extremes."""
    count = len(equity)
    if count <= most:
        return np.arange(count)
    width = -(-count // (most // MAX_GROUP_POINTS))
    return extremes(np.arange(count) // width, equity, -equity, drawdown)


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
