"""Monthly Returns: a year a row, and the strip of the newest trades."""

from dataclasses import dataclass

from monitoring.charts import WinLoss, heat_class, win_loss
from monitoring.metrics.facts import Daily
from monitoring.metrics.returns import monthly_returns, why_incomplete, yearly_returns
from monitoring.metrics.value import Unknown
from monitoring.sections.section import Context, Section

LIMITS = (2.0, 5.0)
"""Percent from which a month is coloured more strongly."""


@dataclass(frozen=True, slots=True)
class Month:
    percent: float | None
    heat: str


@dataclass(frozen=True, slots=True)
class Year:
    """``months`` are the twelve of the calendar."""

    year: int
    months: tuple[Month, ...]
    percent: float | None


@dataclass(frozen=True, slots=True)
class MonthlyView:
    """``years`` newest first; ``reason`` says why there are none, or none after some month."""

    years: tuple[Year, ...]
    reason: str | None
    strip: WinLoss | None


async def load(context: Context) -> MonthlyView:
    trades = context.facts.trades
    strip = win_loss(trades.outcomes) if trades else None
    try:
        if context.facts.daily is None:
            raise Unknown(context.facts.no_history)
        months = {(day.year, day.month): value for day, value in monthly_returns(context.facts.daily)}
    except Unknown as unknown:
        return MonthlyView((), str(unknown), strip)
    if not months:
        return MonthlyView((), "the initial balance is not known: needs 2 days", strip)
    years = sorted({year for year, _ in months}, reverse=True)
    totals, why = _totals(context.facts.daily), why_incomplete(context.facts.daily)
    return MonthlyView(tuple(_year(year, months, totals.get(year)) for year in years), why, strip)


def _totals(daily: Daily) -> dict[int, float]:
    """By year; empty where none is known as a whole."""
    try:
        return {day.year: value for day, value in yearly_returns(daily)}
    except Unknown:
        return {}


def _year(year: int, months: dict[tuple[int, int], float], total: float | None) -> Year:
    values = [months.get((year, month)) for month in range(1, 13)]
    return Year(year, tuple(Month(value, heat_class(value, LIMITS)) for value in values), total)


SECTION = Section(
    "monthly",
    "Monthly Returns",
    load,
    ticks=60.0,
)
