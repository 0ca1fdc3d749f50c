"""Daily P&L: net profit and loss of the trades closed on each UTC day of the range."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from monitoring.charts import BarChart, bar_chart
from monitoring.projections.times import epoch, midnight
from monitoring.projections.trade_sums import ZERO
from monitoring.scope import RANGES
from monitoring.sections.realised import MAX_BARS, PERIODS, Days, net_by_day
from monitoring.sections.section import Context, Section


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


def _x(days: Days) -> float:
    return epoch(midnight(days[0][0]))


def _bar(days: Days) -> tuple[float, float | None]:
    known = [net for _, net in days if net is not None]
    return _x(days), float(sum(known, ZERO)) if len(known) == len(days) else None


SECTION = Section("daily_pnl", "Daily P&L", load, needs=("trades",), ticks=60.0, facts=False)
