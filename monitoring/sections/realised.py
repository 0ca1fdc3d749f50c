"""Realised: net profit and loss of the trades closed on each UTC day of the range."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from monitoring.charts.plot import BarPlot, bar_plot
from monitoring.metrics.rhythm import MAX_SILENCE
from monitoring.projections.times import epoch, midnight, next_midnight, shifted
from monitoring.projections.trade_sums import ZERO
from monitoring.scope import RANGES
from monitoring.sections import ranges
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section

MAX_BARS = 92
"""Beyond this many days a bar is a week, beyond seven times as many a month."""
MIN_SPAN = timedelta(days=7)
"""A shorter range shows so much all the same: two bars say nothing."""
SUMS = {"daily_pnl": "Realised today", "weekly_pnl": "7 days", "total_pnl": "Ever"}
"""Keys of the metrics, and what they are called here."""

Days = list[tuple[date, Decimal | None]]
PERIODS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}
"""The first day of the period that a day belongs to."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a bar sums: its first and last day, how many trades were closed, and their net P&L."""

    first: date
    last: date
    trades: int
    net: Decimal | None


@dataclass(frozen=True, slots=True)
class RealisedView:
    """``chart`` is None where nothing is known of any day."""

    figures: tuple[tuple[str, Figure], ...]
    """Realised today, in 7 days and ever, and what each is called here."""
    chart: BarPlot | None
    bars: tuple[Bar, ...]
    """Oldest first; those of the chart."""
    each: str
    """What a bar sums: a day, a week or a month, as far as it lies in the range."""
    trades: int | None
    """How many were ever closed; None while they are being counted."""


async def load(context: Context) -> RealisedView:
    days = days_of_range(context)
    each = "day" if len(days) <= MAX_BARS else "week" if len(days) <= 7 * MAX_BARS else "month"
    bars = tuple(_bar(context, list(found)) for _, found in groupby(days, lambda entry: PERIODS[each](entry[0])))
    return RealisedView(
        figures=tuple((words, context.figures[key]) for key, words in SUMS.items()),
        chart=_chart(bars) if bars else None,
        bars=bars,
        each=each,
        trades=context.state.trades.total,
    )


def _chart(bars: tuple[Bar, ...]) -> BarPlot | None:
    points = [(epoch(midnight(bar.first)), None if bar.net is None else float(bar.net)) for bar in bars]
    return bar_plot(points, epoch(next_midnight(bars[-1].last)))


def _bar(context: Context, days: Days) -> Bar:
    traded = context.state.trades.days
    known = [net for _, net in days if net is not None]
    trades = sum(traded[day].total for day, _ in days if day in traded)
    return Bar(days[0][0], days[-1][0], trades, sum(known, ZERO) if len(known) == len(days) else None)


def days_of_range(context: Context) -> Days:
    """Oldest first."""
    length = RANGES[context.scope.range]
    return net_by_day(context, length and max(length, MIN_SPAN))


def net_by_day(context: Context, length: timedelta | None) -> Days:
    """Net P&L of the UTC days of the last ``length``, from the first with a trade on; that in which it begins is whole.

    Of days to come only those with a trade are given: one of the year 9999 must not show two million others.
    """
    traded, today = context.state.trades.days, context.now.date()
    if not traded:
        return []
    end = _until(context, max(traded))
    first = min(traded) if length is None else max(min(traded), shifted(end, -length).date())
    wanted: Iterable[date] = (first + timedelta(days=number) for number in range((end.date() - first).days + 1))
    later = sorted(day for day in traded if day > today)
    return [(day, traded[day].known_net if day in traded else ZERO) for day in (*wanted, *later)]


def _until(context: Context, last_trade: date) -> datetime:
    """As ``ranges.until``; but where a trade of these days tells that the bot goes on, no snapshot is looked at."""
    is_recent = context.now - midnight(last_trade) < MAX_SILENCE
    return context.now if is_recent and not ranges.has_ended(context) else ranges.until(context)


SECTION = Section("realised", "Realised by day", load, needs=("trades",), ticks=60.0)
