"""The closed trades of the selection, a page at a time: by day where they are in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby

from monitoring.formatting import day, weekday
from monitoring.projections.times import midnight
from monitoring.projections.trade_filter import TradeFilter
from monitoring.projections.trade_sums import SelectionSums
from monitoring.sections.section import Context, Section
from monitoring.sections.trade_arguments import FILTERS, LISTED, Asked, cursor_of
from monitoring.sections.trade_rows import Trade, read_trades

PAGE_ROWS = 30
ORDERS = {
    "exit_time": "newest first",
    "+exit_time": "oldest first",
    "pnl": "largest gain first",
    "+pnl": "largest loss first",
    "r": "largest R first",
    "+r": "smallest R first",
    "duration": "longest first",
    "+duration": "shortest first",
}
"""What the orders are called."""


@dataclass(frozen=True, slots=True)
class Group:
    """Trades of one UTC day, or of any where ``day`` is None."""

    trades: tuple[Trade, ...]
    day: date | None = None
    title: str = ""
    """Of the day."""
    sums: SelectionSums | None = None
    """Over all trades of the selection on this day, those on other pages too; None while they are being counted."""


@dataclass(frozen=True, slots=True)
class TradeListView:
    asked: Asked
    groups: tuple[Group, ...]
    previous: str | None
    """Where the first trade stands, if there are trades before it, and ..."""
    next: str | None
    """... where the last one does, if there are trades after it."""

    @property
    def order(self) -> str:
        """In words."""
        return ORDERS[self.asked.wanted.order]

    @property
    def is_first(self) -> bool:
        """Whether the list begins here."""
        return self.asked.wanted.cursor is None

    @property
    def by_time(self) -> bool:
        return self.asked.wanted.amount is None

    def sort(self, name: str) -> str:
        """What to sort by to have this order, or where it is had, the reverse."""
        return f"+{name}" if self.asked.wanted.order == name else name

    def sorted(self, name: str) -> str | None:
        """The value of aria-sort for a column; None where trades are sorted by another."""
        if self.asked.wanted.order.removeprefix("+") != name:
            return None
        return "ascending" if self.asked.wanted.ascends else "descending"


async def load(context: Context) -> TradeListView:
    asked = Asked.of(context.arguments, context.now, context.state.session.ids, PAGE_ROWS + 1)
    trades = await _read(context, asked.wanted)
    if asked.wanted.before and len(trades) <= PAGE_ROWS:
        # The list begins with a whole page, however few trades came before the place.
        asked = replace(asked, wanted=replace(asked.wanted, before=None))
        trades = await _read(context, asked.wanted)
    wanted, more = asked.wanted, len(trades) > PAGE_ROWS
    page = trades[-PAGE_ROWS:] if wanted.before else trades[:PAGE_ROWS]
    before, after = (more, True) if wanted.before else (wanted.after is not None, more)
    return TradeListView(
        asked=asked,
        groups=tuple(_groups(context, wanted, page)),
        previous=cursor_of(page[0].place(wanted)) if page and before else None,
        next=cursor_of(page[-1].place(wanted)) if page and after else None,
    )


async def _read(context: Context, wanted: TradeFilter) -> list[Trade]:
    return await read_trades(context.connection, context.capabilities, context.state, wanted)


def _groups(context: Context, wanted: TradeFilter, page: Sequence[Trade]) -> list[Group]:
    if wanted.amount is not None:
        return [Group(tuple(page))] if page else []
    days = [(of, tuple(trades)) for of, trades in groupby(page, lambda trade: trade.row["exit_time"].date())]
    sums = context.state.trades.sums_by_period(wanted, [_within(wanted, of) for of, _ in days])
    today = context.now.date()
    return [
        Group(trades, of, _title(of, today), sums[number] if sums else None) for number, (of, trades) in enumerate(days)
    ]


def _title(of: date, today: date) -> str:
    """Today, Yesterday, Tue 24 Nov, or Tue 24 Nov 2025 of another year."""
    if of == today or of == today - timedelta(days=1):
        return "Today" if of == today else "Yesterday"
    return f"{weekday(of)} {day(of)}" + (f" {of.year}" if of.year != today.year else "")


def _within(wanted: TradeFilter, of: date) -> tuple[datetime, datetime]:
    """The part of a day that is asked for."""
    begin, end = midnight(of), datetime.combine(of, time.max)
    return max(begin, wanted.since or begin), min(end, wanted.until or end)


SECTION = Section(
    "trade_list",
    "Trades",
    load,
    needs=("trades",),
    ticks=60.0,
    parameters=(*FILTERS, *LISTED),
)
