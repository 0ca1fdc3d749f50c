"""Trade History: closed trades, newest first, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.metrics.position_row import excursion
from monitoring.projections import ScopeState
from monitoring.projections.trade_columns import TradeFilter
from monitoring.projections.trade_selection import SORTS
from monitoring.projections.trades import NEEDS
from monitoring.scope_key import MAX_ID
from monitoring.sections.positions import clean, lower
from monitoring.sections.section import BadParameter, Context, Section
from monitoring.sections.trade_query import PAGE_ROWS, search, select_trades

__all__ = ["SECTION", "SORTS", "Trade", "TradeFilter", "TradesView", "read_trades", "trades_by_id"]


@dataclass(frozen=True, slots=True)
class Trade:
    """One closed trade; ``net_pnl`` is what was really earned, ``pnl`` is before costs."""

    row: Mapping[str, Any]
    r: float | None = None
    """Net P&L ÷ what was at risk until the first stop; None where that is unknown."""

    @property
    def side(self) -> str | None:
        return lower(self.row["side"])

    @property
    def net_pnl(self) -> Decimal | None:
        value = self.row["net_pnl"]
        return value if isinstance(value, Decimal) else None

    @property
    def cursor(self) -> str:
        """Names the place of this trade in the list, for the page after it."""
        return f"{self.row['exit_time'].isoformat()}_{self.row['id']}"

    @property
    def duration(self) -> timedelta | None:
        entered: datetime | None = self.row["entry_time"]
        return None if entered is None else self.row["exit_time"] - entered

    @property
    def mfe(self) -> float | None:
        return excursion(self.row, "mfe")

    @property
    def mae(self) -> float | None:
        return excursion(self.row, "mae")


async def read_trades(
    connection: asyncpg.Connection, capabilities: Capabilities, state: ScopeState, wanted: TradeFilter
) -> list[Trade]:
    """The wanted trades of the scope. Raises TableMissing."""
    capabilities.require_columns("trades", *NEEDS)
    if state.trades.selects(wanted):
        found = await trades_by_id(connection, capabilities, state.trades.select(wanted))
    else:
        query, arguments = search(capabilities, state.session.ids, wanted)
        found = [Trade(clean(row)) for row in await connection.fetch(query, *arguments)]
    return [replace(trade, r=state.trades.r(trade.row["exit_time"], trade.row["id"])) for trade in found]


async def trades_by_id(connection: asyncpg.Connection, capabilities: Capabilities, ids: Sequence[int]) -> list[Trade]:
    """Trades in the order of their ids; those that are gone are left out."""
    if not ids:
        return []
    rows = await connection.fetch(f"{select_trades(capabilities)} WHERE id = ANY($1::bigint[])", ids)
    found = {row["id"]: Trade(clean(row)) for row in rows}
    return [found[number] for number in ids if number in found]


def parse_cursor(text: str) -> tuple[datetime, int]:
    """The place that ``Trade.cursor`` names. Raises BadParameter."""
    try:
        moment, number = text.split("_")
        place = datetime.fromisoformat(moment).replace(tzinfo=None), int(number)
        if 0 <= place[1] <= MAX_ID:
            return place
        raise ValueError(number)
    except ValueError:
        raise BadParameter(f"before={text[:40]}: expected the place a link of this page names") from None


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
    wanted = TradeFilter(after=parse_cursor(before) if before else None, limit=PAGE_ROWS + 1)
    trades = await read_trades(context.connection, context.capabilities, context.state, wanted)
    page = tuple(trades[:PAGE_ROWS])
    older = page[-1].cursor if len(trades) > PAGE_ROWS else None
    return TradesView(page, context.state.trades.total, older, first=before is None)


SECTION = Section(
    "trades",
    "Trade History",
    load,
    needs=("trades",),
    parameters=("before",),
    facts=False,
)
