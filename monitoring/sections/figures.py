"""All figures: return, risk, trades and what trading cost."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from monitoring.metrics.declines import share_below_peak
from monitoring.metrics.facts import Series, TradeSums
from monitoring.metrics.trade_shape import TradeShape, shape_of
from monitoring.projections.timeline import INDEX, TIME
from monitoring.projections.trade_columns import TradeTable
from monitoring.sections.believable import closed_returns
from monitoring.sections.metric_list import Figures
from monitoring.sections.section import Context, Section
from monitoring.sections.verdict import whole_curve

NOTED_KEYS = ("total_return", "total_trades")
"""Of equity and of trades; the notes of the others are the same."""


@dataclass(frozen=True, slots=True)
class Days:
    """Of closed UTC days, returns in percent; None where there is no day."""

    best: float | None
    worst: float | None
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class FiguresView:
    figures: Figures
    days: Days
    below_peak: float | None
    """Percent of the time."""
    trades: TradeSums | None
    shape: TradeShape | None
    """None while the trades are being read."""
    notes: tuple[str, ...]
    """What one must know of them: which of the rows that they hold are doubtful."""


async def load(context: Context) -> FiguresView:
    sums = context.facts.trades
    return FiguresView(
        figures=context.figures,
        days=_days(closed_returns(context.facts) * 100),
        below_peak=_below_peak(context) if context.state.history.flows_known else None,
        trades=sums,
        shape=_shape(context.state.trades.tables.values()) if sums else None,
        notes=tuple(note for key in NOTED_KEYS if (note := context.figures[key].note)),
    )


def _days(percents: Series) -> Days:
    if not len(percents):
        return Days(None, None, 0, 0)
    up, down = int((percents > 0).sum()), int((percents < 0).sum())
    return Days(float(percents.max()), float(percents.min()), up, down)


def _below_peak(context: Context) -> float | None:
    curve, initial = whole_curve(context), context.state.session.initial_balance
    return share_below_peak(curve[:, TIME], curve[:, INDEX], None if initial is None else float(initial))


def _shape(tables: Collection[TradeTable]) -> TradeShape:
    names = ("id", "exit", "net", "r", "seconds")
    ids, exits, *columns = (np.concatenate([np.empty(0), *(table[name] for table in tables)]) for name in names)
    if (np.diff(exits) < 0).any():
        order = np.lexsort((ids, exits))
        columns = [column[order] for column in columns]
    return shape_of(*columns)


SECTION = Section("figures", "All figures", load, ticks=60.0, calm=True)
