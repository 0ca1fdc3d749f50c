"""The figures behind each chart, and the trades, as tables: for reading, for printing, and as CSV."""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from quart import Blueprint, Response

from monitoring.ledger.days import BALANCE, CLOSE, TIME
from monitoring.ledger.flows import from_epoch
from monitoring.scope import RANGES, Scope
from monitoring.sections import Context, daily_pnl, monthly
from monitoring.sections.curves import BEGINNING, drawdowns
from monitoring.sections.trades import TradeFilter, read_trades
from monitoring.services import services
from monitoring.web.auth import reading
from monitoring.web.errors import Problem
from monitoring.web.requests import requested_scope

blueprint = Blueprint("tables", __name__)

MOST_TRADES = 10_000
MOST_ROWS_SHOWN = 1000

Cell = str | int | float | Decimal | datetime | date | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows newest first; times are UTC, money in the account's currency."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


async def _balance(context: Context) -> Table:
    steps = context.ledger.history.curve(context.scope.since(context.now))
    rows = [(from_epoch(step[TIME]), _number(step[BALANCE]), _number(step[CLOSE])) for step in steps[::-1]]
    return Table("Balance", ("Time (UTC)", "Balance", "Equity"), rows)


async def _drawdown(context: Context) -> Table:
    steps = context.ledger.history.curve(BEGINNING)
    initial = context.scope.session.initial_balance
    deepest, at_close = drawdowns(steps, None if initial is None else float(initial))
    since = context.scope.since(context.now)
    rows = [
        (from_epoch(at), _number(close), _number(deep))
        for at, close, deep in zip(steps[::-1, TIME], at_close[::-1], deepest[::-1], strict=True)
        if from_epoch(at) >= since
    ]
    return Table("Drawdown", ("Time (UTC)", "Below the peak (%)", "Deepest of these ten minutes (%)"), rows)


async def _daily_pnl(context: Context) -> Table:
    view = await daily_pnl.load(context)
    return Table("Daily P&L", ("Day (UTC)", "Net P&L"), view.days[::-1])


async def _monthly(context: Context) -> Table:
    view = await monthly.load(context)
    rows = [
        (f"{year.year}-{number:02}", month.percent)
        for year in view.years
        for number, month in reversed(list(enumerate(year.months, 1)))
        if month.percent is not None
    ]
    return Table("Monthly Returns", ("Month", "Return (%)"), rows)


async def _trades(context: Context) -> Table:
    since = None if RANGES[context.scope.range] is None else context.scope.since(context.now)
    wanted = TradeFilter(since=since, limit=MOST_TRADES)
    trades = await read_trades(context.connection, context.capabilities, context.ledger, wanted)
    names = {
        "id": "Id",
        "symbol": "Symbol",
        "side": "Side",
        "quantity": "Quantity",
        "entry_time": "Entry (UTC)",
        "entry_price": "Entry price",
        "exit_time": "Exit (UTC)",
        "exit_price": "Exit price",
        "pnl": "Gross P&L",
        "commission": "Commission",
        "margin_interest_cost": "Interest",
        "net_pnl": "Net P&L",
        "exit_reason": "Exit reason",
    }
    return Table("Trade History", tuple(names.values()), [[trade.row[name] for name in names] for trade in trades])


TABLES: Mapping[str, Callable[[Context], Awaitable[Table]]] = {
    "balance": _balance,
    "drawdown": _drawdown,
    "daily_pnl": _daily_pnl,
    "monthly": _monthly,
    "trades": _trades,
}


def _number(value: float) -> float | None:
    return None if value != value else float(value)


@blueprint.get("/table/<name>")
@reading
async def table(name: str) -> Response:
    """A table as a page."""
    scope, shown = await _read(name)
    csv_url = services().pages.link(scope)(f"/table/{name}.csv")
    return services().pages.page(
        "table.html",
        scope,
        title=shown.title,
        columns=list(shown.columns),
        rows=shown.rows[:MOST_ROWS_SHOWN],
        total=len(shown.rows),
        csv=csv_url,
    )


@blueprint.get("/table/<name>.csv")
@reading
async def table_csv(name: str) -> Response:
    """A table as CSV, whole."""
    scope, shown = await _read(name)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(shown.columns)
    writer.writerows([[_cell(value) for value in row] for row in shown.rows])
    return Response(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-session-{scope.session.id}.csv"'},
    )


async def _read(name: str) -> tuple[Scope, Table]:
    if name not in TABLES:
        raise Problem(404, "unknown_table", f"{name[:40]}: expected one of {', '.join(TABLES)}")
    scope = await requested_scope()
    if scope is None:
        raise Problem(404, "no_session", "The database holds no trading session yet.")
    async with services().reader.context(scope) as context:
        return scope, await TABLES[name](context)


def _cell(value: Cell) -> str:
    """Text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='seconds')}+00:00"
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" else text
