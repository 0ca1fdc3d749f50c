"""The figures behind each chart, and the trades, as tables: for reading, for printing, and as CSV."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast

from quart import Blueprint, Response

from monitoring.metrics.position_order import in_order
from monitoring.projections.bookings import NEEDS as FLOWS_NEED
from monitoring.projections.timeline import BALANCE, DEPTH, EQUITY, EXPOSURE, TIME
from monitoring.projections.times import from_epoch
from monitoring.projections.trade_filter import TradeFilter
from monitoring.scope import Scope
from monitoring.sections import Context, calendar, exposure, ranges, realised
from monitoring.sections.position_lines import Line, read_lines
from monitoring.sections.trade_rows import read_trades
from monitoring.services import services
from monitoring.web.auth import reading
from monitoring.web.csvfile import Cell, as_csv, download
from monitoring.web.errors import Problem
from monitoring.web.hidden import hides_amounts, without_columns
from monitoring.web.requests import expect_known, requested_scope
from monitoring.web.trade_files import COLUMNS, TRADES_PER_READ, csv_of, row_of

blueprint = Blueprint("tables", __name__)

MAX_SHOWN_ROWS = 1000
PARAMETERS = ("session", "bot", "range")
BY_TEN_MINUTES = "first, lowest, highest, deepest, most exposed and last snapshot of each ten minutes"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows newest first; times are UTC, money in the account's currency."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    total: int | None = None
    """How many rows there are, where ``rows`` are only the newest."""
    whole: bool = False
    """It covers the whole bot or session, whatever range the charts show."""
    each: str = ""
    """What a row stands for, where the columns do not say it."""


async def _balance(context: Context) -> Table:
    curve = context.state.history.curve(ranges.since(context))
    rows = [(from_epoch(row[TIME]), _number(row[BALANCE]), _number(row[EQUITY])) for row in curve[::-1]]
    return Table("Balance", ("Time (UTC)", "Balance", "Equity"), rows, each=BY_TEN_MINUTES)


async def _drawdown(context: Context) -> Table:
    context.capabilities.require_columns("account_balances", *FLOWS_NEED)
    curve = context.state.history.curve(ranges.since(context))
    rows = [(from_epoch(row[TIME]), _number(row[DEPTH])) for row in curve[::-1]]
    return Table("Drawdown", ("Time (UTC)", "Below the peak (%)"), rows, each=BY_TEN_MINUTES)


async def _exposure(context: Context) -> Table:
    rows = [(from_epoch(row[TIME]), _number(row[EXPOSURE])) for row in exposure.exposure_curve(context)[::-1]]
    return Table("Exposure", ("Time (UTC)", "Value at entry, of equity (%)"), rows, each=BY_TEN_MINUTES)


async def _daily_pnl(context: Context) -> Table:
    return Table("Daily P&L", ("Day (UTC)", "Net P&L"), realised.days_of_range(context)[::-1])


async def _monthly(context: Context) -> Table:
    months, _ = calendar.returns_by_month(context)
    rows = [(f"{first:%Y-%m}", percents) for first, percents in reversed(months)]
    return Table("Monthly Returns", ("Month", "Return (%)"), rows, whole=True)


async def _trades(context: Context) -> Table:
    """All trades, whatever range the charts show; a page of them."""
    wanted = TradeFilter(limit=MAX_SHOWN_ROWS)
    page = await read_trades(context.connection, context.capabilities, context.state, wanted)
    rows = [row_of(trade) for trade in page]
    return Table("Trade History", tuple(COLUMNS.values()), rows, context.state.trades.total, whole=True)


POSITION_COLUMNS: Mapping[str, Callable[[Line], object]] = {
    "Id": lambda line: line.position.row["id"],
    "Market": lambda line: line.position.row["symbol"],
    "Side": lambda line: line.position.row["side"],
    "Held": lambda line: line.position.held,
    "Entry (UTC)": lambda line: line.position.row["entry_time"],
    "Entry price": lambda line: line.position.row["entry_price"],
    "Price": lambda line: line.price,
    "Priced (UTC)": lambda line: line.position.row["last_update"],
    "Open P&L": lambda line: line.position.row["unrealized_pnl"],
    "R": lambda line: line.position.r,
    "First stop": lambda line: line.position.first_stop,
    "Stop": lambda line: line.stop and line.stop.price,
    "Stop order": lambda line: line.position.stop_order,
    "Target": lambda line: line.target and line.target.price,
    "Breakeven": lambda line: line.breakeven,
    "Taken by partial exits": lambda line: line.position.realized,
}


async def _positions(context: Context) -> Table:
    """The open positions, those most at risk first."""
    lines = await read_lines(context, in_order(context.facts, "risk"))
    rows = [[_rounded(read(line)) for read in POSITION_COLUMNS.values()] for line in lines]
    return Table("Open Positions", tuple(POSITION_COLUMNS), rows, whole=True)


def _rounded(value: object) -> Cell:
    """To eight decimals, as the engine writes numbers."""
    return round(value, 8) if isinstance(value, Decimal) else cast(Cell, value)


TABLES: Mapping[str, Callable[[Context], Awaitable[Table]]] = {
    "balance": _balance,
    "drawdown": _drawdown,
    "exposure": _exposure,
    "daily_pnl": _daily_pnl,
    "monthly": _monthly,
    "trades": _trades,
    "positions": _positions,
}


def _number(value: float) -> float | None:
    return None if value != value else float(value)


@blueprint.get("/table/<name>")
@reading
async def table(name: str) -> Response:
    """A table as a page."""
    scope, shown = await _read(name)
    rows, total = shown.rows[:MAX_SHOWN_ROWS], shown.total or len(shown.rows)
    return services().pages.page("table.html", scope, name=name, table=shown, rows=rows, total=total)


@blueprint.get("/table/<name>.csv")
@reading
async def table_csv(name: str) -> Response:
    """A table as CSV, whole."""
    scope, shown = await _read(name)

    async def lines() -> AsyncIterator[bytes]:
        yield as_csv([shown.columns, *shown.rows])

    wanted = TradeFilter(limit=TRADES_PER_READ)
    found = lines() if name != "trades" else csv_of(services().reader, scope, wanted, hides_amounts())
    return download(name, "csv", "text/csv; charset=utf-8", scope, found)


async def _read(name: str) -> tuple[Scope, Table]:
    if name not in TABLES:
        raise Problem(404, "unknown_table", f"{name[:40]}: expected one of {', '.join(TABLES)}")
    expect_known(PARAMETERS)
    scope = await requested_scope()
    if scope is None:
        raise Problem(404, "no_session", "The database holds no trading session yet.")
    found = await services().reader.read(scope, TABLES[name])
    return scope, replace(found, rows=without_columns(found.columns, found.rows)) if hides_amounts() else found
