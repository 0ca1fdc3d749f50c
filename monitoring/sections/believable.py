"""Three figures, and what makes them believable: how sure they are, and whether 30 days were like the 30 before."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from monitoring.metrics import returns, trades
from monitoring.metrics.facts import Facts, Series
from monitoring.metrics.value import Unknown, known
from monitoring.projections.timeline import INDEX
from monitoring.projections.times import shifted
from monitoring.projections.trade_sums import TradeSum
from monitoring.sections import ranges
from monitoring.sections.curves import change_since
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section

WINDOW_DAYS = 30
WINDOW = timedelta(days=WINDOW_DAYS)
MIN_DAYS, MIN_TRADES = 70, 100
"""Below these the interval is the figure."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Window:
    """A figure of the last 30 days, and of the 30 before; None where it is unknown."""

    last: float | None = None
    before: float | None = None


@dataclass(frozen=True, slots=True)
class BelievableView:
    total_return: Figure
    days: int
    """Since the first session began."""
    returns: Window
    sharpe: Figure
    sharpe_error: float | None
    sharpe_interval: Interval | None
    """Of 95 %, where the days are too few for a figure."""
    closed_days: int
    sharpes: Window
    win_rate: Figure
    win_interval: Interval | None
    """Wilson's, of 95 %."""
    trades: int | None
    enough_trades: bool
    wins: Window


async def load(context: Context) -> BelievableView:
    facts, figures = context.facts, context.figures
    daily, sharpe = closed_returns(facts), figures["sharpe_ratio"]
    error = returns.sharpe_error(daily) if sharpe.value is not None else None
    return BelievableView(
        total_return=figures["total_return"],
        days=(ranges.until(context) - context.state.session.start).days,
        returns=_returns(context),
        sharpe=sharpe,
        sharpe_error=error,
        sharpe_interval=_around(sharpe.value, error) if len(daily) < MIN_DAYS else None,
        closed_days=len(daily),
        sharpes=_sharpes(daily),
        win_rate=figures["win_rate"],
        win_interval=_win_interval(facts),
        trades=facts.trades.total if facts.trades else None,
        enough_trades=facts.trades is not None and facts.trades.total >= MIN_TRADES,
        wins=_wins(context),
    )


def closed_returns(facts: Facts) -> Series:
    """Of closed UTC days, as fractions; none where they are unknown."""
    try:
        return returns.daily_returns(known(facts.daily, facts.no_history), facts.now.date())
    except Unknown:
        return np.empty(0)


def _around(value: object, error: float | None) -> Interval | None:
    if not isinstance(value, float) or error is None:
        return None
    return value - trades.NORMAL_95_FACTOR * error, value + trades.NORMAL_95_FACTOR * error


def _win_interval(facts: Facts) -> Interval | None:
    try:
        return trades.win_rate_interval(known(facts.trades, facts.no_trades))
    except Unknown:
        return None


def _returns(context: Context) -> Window:
    """The last as the change of 30 days on the first page."""
    end, history = ranges.until(context), context.state.history
    then, earlier = history.before(shifted(end, -WINDOW)), history.before(shifted(end, -2 * WINDOW))
    if then is None or not history.flows_known:
        return Window()
    before = (then[INDEX] / earlier[INDEX] - 1) * 100 if earlier is not None and earlier[INDEX] > 0 else np.nan
    last = change_since(context.state, context.facts.equity, shifted(end, -WINDOW)).percent
    return Window(last, float(before) if np.isfinite(before) else None)


def _sharpes(daily: Series) -> Window:
    """Of 30 closed days each."""
    last, before = daily[-WINDOW_DAYS:], daily[-2 * WINDOW_DAYS : -WINDOW_DAYS]
    return Window(_sharpe(last), _sharpe(before))


def _sharpe(daily: Series) -> float | None:
    try:
        return returns.sharpe(daily) if len(daily) == WINDOW_DAYS else None
    except Unknown:
        return None


def _wins(context: Context) -> Window:
    end, sums = ranges.until(context), context.state.trades
    if context.state.session.start > shifted(end, -WINDOW):
        return Window()
    last = sums.since(shifted(end, -WINDOW), end.date())
    before = sums.since(shifted(end, -2 * WINDOW), end.date()).without(last)
    return Window(_share_won(last), _share_won(before))


def _share_won(sums: TradeSum) -> float | None:
    return sums.wins / sums.total * 100 if sums.total and not sums.unknown else None


SECTION = Section("believable", "Three figures and what makes them believable", load, ticks=60.0, calm=True)
