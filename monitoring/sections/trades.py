"""Trade History: closed trades, newest first, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.ledger import Ledger
from monitoring.ledger.times import END_OF_TIME, EPOCH, midnight, next_midnight
from monitoring.scope import LARGEST_ID
from monitoring.sections.positions import clean, excursion
from monitoring.sections.section import BadParameter, Context, Section

PAGE = 25

TRADE: Columns = {
    "id": "bigint",
    "symbol": "text",
    "side": "text",
    "entry_price": "numeric",
    "exit_price": "numeric",
    "quantity": "numeric",
    "size": "numeric",
    "entry_time": "timestamp",
    "exit_time": "timestamp",
    "pnl": "numeric",
    "pnl_percent": "numeric",
    "commission": "numeric",
    "margin_interest_cost": "numeric",
    "exit_reason": "text",
    "strategy_name": "text",
    "mfe_price": "numeric",
    "mae_price": "numeric",
    "session_id": "bigint",
}
NET = "pnl - coalesce({commission}, 0) - coalesce({interest}, 0)"

SORTS: Mapping[str, tuple[str, str]] = {
    "exit_time": ("exit_time", "DESC"),
    "-exit_time": ("exit_time", "DESC"),
    "+exit_time": ("exit_time", "ASC"),
    "pnl": ("net_pnl", "DESC"),
    "-pnl": ("net_pnl", "DESC"),
    "+pnl": ("net_pnl", "ASC"),
    "symbol": ("symbol", "ASC"),
}


@dataclass(frozen=True, slots=True)
class Trade:
    """One closed trade; ``net_pnl`` is what was really earned, ``pnl`` is before costs."""

    row: Mapping[str, Any]

    @property
    def side(self) -> str:
        return str(self.row["side"]).lower()

    @property
    def net_pnl(self) -> Decimal | None:
        value = self.row["net_pnl"]
        return value if isinstance(value, Decimal) else None

    @property
    def cursor(self) -> str:
        """Names the place of this trade in the list, for the page after it."""
        return f"{self.row['exit_time'].isoformat()}_{self.row['id']}"

    @property
    def duration(self) -> timedelta:
        length: timedelta = self.row["exit_time"] - self.row["entry_time"]
        return length

    @property
    def mfe(self) -> float | None:
        return excursion(self.row, "mfe_price")

    @property
    def mae(self) -> float | None:
        return excursion(self.row, "mae_price")


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which trades, and in which order."""

    symbol: str | None = None
    side: str | None = None
    outcome: str | None = None
    """win, loss or breakeven, by net P&L."""
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, int] | None = None
    """Exit time and id of the trade before the first one wanted."""
    sort: str = "exit_time"
    limit: int = PAGE
    offset: int = 0

    @property
    def by_time(self) -> bool:
        return SORTS[self.sort] == ("exit_time", "DESC")


def select_trades(capabilities: Capabilities) -> str:
    """SELECT of every column of TRADE and ``net_pnl``."""
    net = NET.format(
        commission=capabilities.column("trades", "commission", "numeric"),
        interest=capabilities.column("trades", "margin_interest_cost", "numeric"),
    )
    return f"SELECT {capabilities.columns('trades', TRADE)}, {net} AS net_pnl FROM trades"


async def read_trades(
    connection: asyncpg.Connection, capabilities: Capabilities, ledger: Ledger, wanted: TradeFilter
) -> list[Trade]:
    """The wanted trades of the ledger's session. Raises TableMissing.

    The days on which the session traded (the ledger knows them) bound the search, so that the index on the exit
    time is walked over few rows, however many trades other sessions have.
    """
    capabilities.require("trades")
    start, end = _bounds(ledger, wanted)
    if start is None:
        return []
    query, arguments = _compose(capabilities, ledger.session.id, start, end, wanted)
    return [Trade(clean(row)) for row in await connection.fetch(query, *arguments)]


async def trades_by_id(connection: asyncpg.Connection, capabilities: Capabilities, ids: Sequence[int]) -> list[Trade]:
    """Trades by id, newest first."""
    rows = await connection.fetch(
        f"{select_trades(capabilities)} WHERE id = ANY($1::bigint[]) ORDER BY exit_time DESC, id DESC", list(ids)
    )
    return [Trade(clean(row)) for row in rows]


def _bounds(ledger: Ledger, wanted: TradeFilter) -> tuple[datetime | None, datetime]:
    """First and last moment at which a wanted trade can have ended."""
    if not ledger.trades.counted:
        return wanted.since or EPOCH, wanted.until or END_OF_TIME
    days = sorted(ledger.trades.days)
    if not days:
        return None, END_OF_TIME
    start, end = midnight(days[0]), next_midnight(days[-1])
    unfiltered = wanted.symbol is wanted.side is wanted.outcome is None
    if unfiltered and wanted.by_time:
        start = midnight(_first_day_needed(ledger, days, wanted))
    return max(start, wanted.since or start), min(end, wanted.until or end)


def _first_day_needed(ledger: Ledger, days: list[date], wanted: TradeFilter) -> date:
    need = wanted.limit + wanted.offset
    newest = wanted.after[0] if wanted.after else wanted.until
    for day in reversed(days):
        if newest is None or day < newest.date():
            need -= ledger.trades.days[day].total
        if need <= 0:
            return day
    return days[0]


def _compose(
    capabilities: Capabilities, session: int, start: datetime, end: datetime, wanted: TradeFilter
) -> tuple[str, list[object]]:
    arguments: list[object] = [session, start, end]
    conditions = ["session_id = $1", "exit_time >= $2", "exit_time <= $3"]

    def where(condition: str, *values: object) -> None:
        names = [f"${len(arguments) + number}" for number in range(1, len(values) + 1)]
        arguments.extend(values)
        conditions.append(condition.format(*names))

    if wanted.symbol:
        where("upper(symbol::text) = {}", wanted.symbol.upper())
    if wanted.side:
        where("upper(side::text) = {}", wanted.side.upper())
    if wanted.after:
        where("(exit_time, id) < ({}, {})", *wanted.after)
    outcome = {"win": "net_pnl > 0 AND net_pnl <> 'NaN'", "loss": "net_pnl < 0", "breakeven": "net_pnl = 0"}
    column, direction = SORTS[wanted.sort]
    inner = f"{select_trades(capabilities)} WHERE {' AND '.join(conditions)}"
    outer = f" WHERE {outcome[wanted.outcome]}" if wanted.outcome else ""
    arguments += [wanted.limit, wanted.offset]
    query = (
        f"SELECT * FROM ({inner}) t{outer} ORDER BY {column} {direction}, id {direction}"
        f" LIMIT ${len(arguments) - 1} OFFSET ${len(arguments)}"
    )
    return query, arguments


def parse_cursor(text: str) -> tuple[datetime, int]:
    """The place that ``Trade.cursor`` names. Raises BadParameter."""
    try:
        moment, number = text.split("_")
        place = datetime.fromisoformat(moment).replace(tzinfo=None), int(number)
        if 0 <= place[1] <= LARGEST_ID:
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
    wanted = TradeFilter(after=parse_cursor(before) if before else None, limit=PAGE + 1)
    trades = await read_trades(context.connection, context.capabilities, context.ledger, wanted)
    page = tuple(trades[:PAGE])
    older = page[-1].cursor if len(trades) > PAGE else None
    return TradesView(page, context.ledger.trades.total, older, first=before is None)


SECTION = Section(
    "trades", "Trade History", {"trades", "trading_sessions"}, load, needs=("trades",), parameters=("before",)
)
