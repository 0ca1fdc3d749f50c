"""Day by day: net P&L of the trades closed on each UTC day, a week beside the other, and the return by month."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from monitoring.metrics.returns import monthly_returns, why_incomplete
from monitoring.metrics.value import Unknown, known
from monitoring.projections.trade_sums import TradeSum
from monitoring.sections import ranges
from monitoring.sections.section import BadParameter, Context, Section

MAX_WEEKS, MAX_PHONE_WEEKS = 18, 9
"""Shown at once; older ones by a link."""
MAX_MONTHS = 12
LEVEL_COUNT = 3
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Cell:
    """A day. ``net`` is None where a trade's is unknown; ``level`` 1 to 3 by the size of the amount, 0 for none."""

    day: date
    trades: int
    net: Decimal | None
    level: int

    @property
    def colour(self) -> str:
        """CSS class."""
        return "" if not self.level or not self.net else f"{'gain' if self.net > 0 else 'loss'}-{self.level}"


@dataclass(frozen=True, slots=True)
class Week:
    """``cells`` from Monday on; None for days before the first one, or after the last."""

    monday: date
    cells: tuple[Cell | None, ...]
    is_older: bool
    """Whether a phone leaves it out."""


@dataclass(frozen=True, slots=True)
class CalendarView:
    """``weeks`` oldest first; none where no trade was ever closed."""

    weeks: tuple[Week, ...]
    today: date
    older: date | None
    """The week before which older ones are shown; None where there are none."""
    older_on_phone: date | None
    is_newest: bool
    months: tuple[tuple[date, float], ...]
    """(first day, return in percent), oldest first."""
    unknown_months: str | None
    """Why those after them, or all, are unknown, where that is so."""
    trades: int | None
    """How many were ever closed; None while they are being counted."""


async def load(context: Context) -> CalendarView:
    traded, last = context.state.trades.days, ranges.until(context).date()
    before = _before(context.arguments.get("weeks_before", ""))
    first = min((*traded, context.state.session.start.date()))
    newest = monday_of(min(last, before - timedelta(days=1)) if before else last)
    weeks_count = (newest - monday_of(first)) // WEEK + 1
    mondays = [newest - number * WEEK for number in range(min(MAX_WEEKS, weeks_count))]
    weeks = _weeks(mondays[::-1], traded, first, last) if traded else ()
    months, unknown_months = returns_by_month(context)
    return CalendarView(
        weeks=weeks,
        today=context.now.date(),
        older=_older(weeks, first, len(weeks)),
        older_on_phone=_older(weeks, first, MAX_PHONE_WEEKS),
        is_newest=before is None,
        months=months[-MAX_MONTHS:],
        unknown_months=unknown_months,
        trades=context.state.trades.total,
    )


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _before(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadParameter(f"weeks_before={text[:20]}: expected a day, such as 2026-11-23") from None


def _weeks(mondays: list[date], traded: Mapping[date, TradeSum], first: date, last: date) -> tuple[Week, ...]:
    days = [monday + timedelta(days=number) for monday in mondays for number in range(7)]
    levels = _levels(traded[day].net for day in days if day in traded and not traded[day].unknown)
    cells = [_cell(day, traded.get(day, TradeSum()), levels) if first <= day <= last else None for day in days]
    on_phone = len(mondays) - MAX_PHONE_WEEKS
    return tuple(
        Week(monday, tuple(cells[7 * place : 7 * place + 7]), place < on_phone) for place, monday in enumerate(mondays)
    )


def _cell(day: date, sums: TradeSum, levels: list[float]) -> Cell:
    net = sums.known_net
    level = 1 + sum(abs(float(net)) > limit for limit in levels) if net else 0
    return Cell(day, sums.total, net, level)


def _levels(nets: Iterable[Decimal]) -> list[float]:
    """The sizes above which an amount is of the next level: a third of the days each."""
    sizes = sorted(abs(float(net)) for net in nets if net)
    return [float(limit) for limit in np.quantile(sizes, [1 / LEVEL_COUNT, 2 / LEVEL_COUNT])] if sizes else []


def _older(weeks: tuple[Week, ...], first: date, shown: int) -> date | None:
    oldest = weeks[-shown:][0].monday if weeks else first
    return oldest if oldest > first else None


def returns_by_month(context: Context) -> tuple[tuple[tuple[date, float], ...], str | None]:
    """(first day, return in percent) of each month, oldest first; and why later ones are unknown, where that is so."""
    try:
        daily = known(context.facts.daily, context.facts.no_history)
        return monthly_returns(daily), why_incomplete(daily)
    except Unknown as unknown:
        return (), str(unknown)


SECTION = Section(
    "calendar",
    "Day by day",
    load,
    needs=("trades",),
    ticks=60.0,
    calm=True,
    parameters=("weeks_before",),
)
