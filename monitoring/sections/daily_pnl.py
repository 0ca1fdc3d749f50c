"""Daily P&L: net profit and loss of the trades closed on each UTC day of the range."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from monitoring.charts import BarChart, bar_chart
from monitoring.metrics.rhythm import MAX_SILENCE
from monitoring.projections.times import epoch, midnight, shifted
from monitoring.projections.trade_sums import ZERO
from monitoring.scope import RANGES
from monitoring.sections import ranges
from monitoring.sections.section import Context, Section

MAX_BARS = 92
"""Beyond this many days a bar is a week, beyond seven times as many a month."""

Days = list[tuple[date, Decimal | None]]


@dataclass(frozen=True, slots=True)
class DailyPnlView:
    """``days`` oldest first, zero without a trade, None where a trade's P&L is unknown."""

    days: tuple[tuple[date, Decimal | None], ...]
    chart: BarChart | None
    each: str
    """What a bar sums: a day, a week or a month, as far as it lies in the range."""
    last_days: dict[float, date]
    """The last day of each bar, by its x value, which is its first day."""
    up: int
    down: int
    unknown: int
    trades: int | None
    """How many were ever closed; None while they are being counted."""


async def load(context: Context) -> DailyPnlView:
    days = net_by_day(context, RANGES[context.scope.range])
    each = "day" if len(days) <= MAX_BARS else "week" if len(days) <= 7 * MAX_BARS else "month"
    bars = [list(bar) for _, bar in groupby(days, lambda entry: PERIODS[each](entry[0]))]
    known = [net for _, net in days if net is not None]
    return DailyPnlView(
        days=tuple(days),
        chart=bar_chart([_bar(bar) for bar in bars]),
        each=each,
        last_days={_x(bar): bar[-1][0] for bar in bars},
        up=sum(net > 0 for net in known),
        down=sum(net < 0 for net in known),
        unknown=len(days) - len(known),
        trades=context.state.trades.total,
    )


PERIODS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}
"""The first day of the period that a day belongs to."""


def _x(days: Days) -> float:
    return epoch(midnight(days[0][0]))


def _bar(days: Days) -> tuple[float, float | None]:
    known = [net for _, net in days if net is not None]
    return _x(days), float(sum(known, ZERO)) if len(known) == len(days) else None


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


SECTION = Section("daily_pnl", "Daily P&L", load, needs=("trades",), ticks=60.0, facts=False)
