"""Curve: equity over the range, up to the equity of now, and what changed it besides prices."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

import numpy as np

from monitoring.charts.plot import LinePlot, line_plot
from monitoring.metrics.facts import Series
from monitoring.projections.timeline import INDEX, TIME
from monitoring.projections.times import epoch, from_epoch
from monitoring.scope import RANGES
from monitoring.sections import ranges
from monitoring.sections.balance_moves import BalanceMove, moves_since
from monitoring.sections.curves import equity_points
from monitoring.sections.section import Context, Section

MAX_TRADES = 50
"""More markers would hide the curve."""


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A trade's exit on the curve, in percent of the plot. ``net`` is NaN where it is unknown."""

    x: float
    y: float
    net: float


@dataclass(frozen=True, slots=True)
class CurveView:
    """``chart`` is None where the range holds no snapshot."""

    chart: LinePlot | None
    growths: tuple[float | None, ...]
    """For each reading of the chart the percent gained since its start, deposits and withdrawals taken out."""
    moves: tuple[BalanceMove, ...]
    """Of the range, oldest first."""
    move_places: tuple[float, ...]
    """Where they lie in the chart, in percent of it."""
    restarts: tuple[datetime, ...]
    restart_places: tuple[float, ...]
    trades: tuple[ClosedTrade, ...]
    """None of them where there are too many."""
    counting: float | None
    """The share read of a long history of which so far only closes are known; None once every row is."""
    last_at: datetime | None
    """Of the newest equity, in whatever range."""
    wider: str
    """The shortest range in which that lies."""


async def load(context: Context) -> CurveView:
    since, history = ranges.since(context), context.state.history
    curve, newest = history.curve(since), context.facts.equity
    chart = line_plot(equity_points(curve))
    last_at = None if newest is None else newest.at
    moves = moves_since(context, since)
    restarts = tuple(gap.at for gap in context.state.session.gaps if gap.at >= since)
    return CurveView(
        chart=chart,
        growths=_growths(chart, curve) if chart else (),
        moves=moves,
        move_places=_places(chart, (move.at for move in moves)),
        restarts=restarts,
        restart_places=_places(chart, restarts),
        trades=tuple(_closed(context, chart)) if chart else (),
        counting=context.state.counting,
        last_at=last_at,
        wider=_wider(context, last_at),
    )


def _places(chart: LinePlot | None, times: Iterable[datetime]) -> tuple[float, ...]:
    return tuple(chart.places(map(epoch, times))) if chart else ()


def _growths(chart: LinePlot, curve: Series) -> tuple[float | None, ...]:
    start = curve[0, INDEX]
    found = [None if reading.value is None else _growth(start, curve, reading.at) for reading in chart.readings]
    return tuple(found)


def _growth(start: float, curve: Series, at: float) -> float | None:
    price = curve[np.searchsorted(curve[:, TIME], at), INDEX]
    percent = (price / start - 1) * 100 if start > 0 else np.nan
    return float(percent) if np.isfinite(percent) else None


def _closed(context: Context, chart: LinePlot) -> Iterable[ClosedTrade]:
    """The trades closed while the curve goes on."""
    span = from_epoch(chart.start), from_epoch(chart.end)
    found: list[tuple[int, float]] = []
    for table in context.state.trades.tables.values():
        exits, nets = (table.between(*span)[name][: MAX_TRADES + 1].tolist() for name in ("exit", "net"))
        found += zip(exits, nets, strict=True)
    if len(found) > MAX_TRADES:
        return
    for exit, net in sorted(found, key=itemgetter(0)):
        at = exit / 1e6
        x, y = chart.x(at), chart.on_curve(at)
        if x is not None and y is not None:
            yield ClosedTrade(x, y, net)


def _wider(context: Context, at: datetime | None) -> str:
    lengths = ((name, length) for name, length in RANGES.items() if length and at and context.now - at <= length)
    return next((name for name, _ in lengths), "all")


SECTION = Section("curve", "Equity over time", load, needs=("account_history",), ticks=60.0, calm=True)
