"""Trade History: closed trades, newest first, page by page."""

from dataclasses import dataclass

from monitoring.projections.trade_filter import TradeFilter
from monitoring.sections.section import Context, Section
from monitoring.sections.trade_arguments import cursor_of, parse_cursor
from monitoring.sections.trade_query import PAGE_ROWS
from monitoring.sections.trade_rows import Trade, read_trades


@dataclass(frozen=True, slots=True)
class TradesView:
    """One page. ``older`` is the cursor of the next page, None on the last; ``first`` false beyond the newest page.

    ``total`` is None while trades are still being counted.
    """

    trades: tuple[Trade, ...]
    total: int | None
    older: str | None
    first: bool


async def load(context: Context) -> TradesView:
    before = context.arguments.get("before")
    wanted = TradeFilter(after=parse_cursor("before", before) if before else None, limit=PAGE_ROWS + 1)
    trades = await read_trades(context.connection, context.capabilities, context.state, wanted)
    page = tuple(trades[:PAGE_ROWS])
    older = cursor_of(page[-1].place(wanted)) if len(trades) > PAGE_ROWS else None
    return TradesView(page, context.state.trades.total, older, first=before is None)


SECTION = Section(
    "trades",
    "Trade History",
    load,
    needs=("trades",),
    parameters=("before",),
    facts=False,
)
