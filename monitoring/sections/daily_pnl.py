"""Daily P&L: net profit and loss of the trades closed on each UTC day of the range."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from monitoring.charts import BarChart, bar_chart
from monitoring.ledger.flows import epoch
from monitoring.ledger.trades import ZERO
from monitoring.scope import RANGES
from monitoring.sections.section import Context, Section

LONGEST_BY_DAY = 92
"""Beyond this many days a bar is a week, beyond seven times as many a month of thirty days."""


@dataclass(frozen=True, slots=True)
class DailyPnlView:
    """``days`` oldest first, days without a trade as zero; a bar sums ``step`` days."""

    days: tuple[tuple[date, Decimal], ...]
    chart: BarChart | None
    step: int
    up: int
    down: int


async def load(context: Context) -> DailyPnlView:
    days = _days(context)
    step = 1 if len(days) <= LONGEST_BY_DAY else 7 if len(days) <= 7 * LONGEST_BY_DAY else 30
    bars = [days[start : start + step] for start in range(0, len(days), step)]
    points = [
        (epoch(datetime.combine(bar[0][0], datetime.min.time())), float(sum((net for _, net in bar), ZERO)))
        for bar in bars
    ]
    return DailyPnlView(
        tuple(days),
        bar_chart(points),
        step,
        up=sum(net > 0 for _, net in days),
        down=sum(net < 0 for _, net in days),
    )


def _days(context: Context) -> list[tuple[date, Decimal]]:
    traded = context.ledger.trades.days
    if not traded:
        return []
    session = context.scope.session
    end = context.now.date() if session.running else max(traded)
    length = RANGES[context.scope.range]
    start = min(traded)
    if length is not None:
        start = max(start, (datetime.combine(end, datetime.min.time()) - length).date() + timedelta(days=1))
    count = (end - start).days + 1
    wanted = [start + timedelta(days=number) for number in range(count)]
    return [(day, traded[day].net if day in traded else ZERO) for day in wanted]


SECTION = Section("daily_pnl", "Daily P&L", {"trades", "trading_sessions"}, load, needs=("trades",), ticks=60.0)
