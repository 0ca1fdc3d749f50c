"""Daily P&L: net profit and loss of the trades closed on each UTC day of the range."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from monitoring.charts import BarChart, bar_chart
from monitoring.projections.times import epoch, midnight
from monitoring.projections.trade_sums import ZERO
from monitoring.sections.section import Context, Section

MAX_BARS = 92
"""Beyond this many days a bar is a week, beyond seven times as many a month of thirty days."""


@dataclass(frozen=True, slots=True)
class DailyPnlView:
    """``days`` oldest first, zero without a trade, None where a trade's P&L is unknown; a bar sums ``step`` days."""

    days: tuple[tuple[date, Decimal | None], ...]
    chart: BarChart | None
    step: int
    up: int
    down: int


async def load(context: Context) -> DailyPnlView:
    days = net_by_day(context, context.scope.since(context.now))
    step = 1 if len(days) <= MAX_BARS else 7 if len(days) <= 7 * MAX_BARS else 30
    bars = [days[start : start + step] for start in range(0, len(days), step)]
    known = [net for _, net in days if net is not None]
    return DailyPnlView(
        tuple(days),
        bar_chart([_bar(bar) for bar in bars]),
        step,
        up=sum(net > 0 for net in known),
        down=sum(net < 0 for net in known),
    )


def _bar(days: list[tuple[date, Decimal | None]]) -> tuple[float, float | None]:
    known = [net for _, net in days if net is not None]
    start = epoch(midnight(days[0][0]))
    return start, float(sum(known, ZERO)) if len(known) == len(days) else None


def net_by_day(context: Context, since: datetime) -> list[tuple[date, Decimal | None]]:
    """Net P&L of every UTC day after ``since``: from the first with a trade to today, or to the bot's end."""
    traded = context.state.trades.days
    if not traded:
        return []
    today, ended = context.now.date(), context.scope.session.ended(context.now)
    end = max(ended.date(), min(max(traded), today)) if ended else today
    start = max(min(traded), since.date() + timedelta(days=1))
    wanted = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    return [(day, traded[day].known_net if day in traded else ZERO) for day in wanted]


SECTION = Section("daily_pnl", "Daily P&L", load, needs=("trades",), ticks=60.0, facts=False)
