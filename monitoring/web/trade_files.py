"""The trades of a selection as files: all of them, in its order, sent while they are read."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import msgspec
from quart import Blueprint, Response, request

from monitoring.payloads import trade_payload
from monitoring.projections.trade_filter import TradeFilter
from monitoring.reading.reader import Reader
from monitoring.scope import Scope
from monitoring.sections import Context
from monitoring.sections.trade_arguments import FILTERS, trade_filter
from monitoring.sections.trade_rows import Trade, read_trades
from monitoring.services import services
from monitoring.web.auth import reading
from monitoring.web.csvfile import Cell, as_csv, download
from monitoring.web.errors import Problem
from monitoring.web.hidden import hides_amounts, without_amounts, without_columns
from monitoring.web.requests import expect_known, requested_scope

blueprint = Blueprint("trade_files", __name__)

TRADES_PER_READ = 2000
PARAMETERS = ("session", "bot", "range", *FILTERS, "sort")
COLUMNS = {
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


@blueprint.get("/trades.csv")
@reading
async def trades_csv() -> Response:
    """The trades of a selection as CSV."""
    scope, wanted = await _asked()
    return download(
        "trades", "csv", "text/csv; charset=utf-8", scope, csv_of(services().reader, scope, wanted, hides_amounts())
    )


@blueprint.get("/trades.json")
@reading
async def trades_json() -> Response:
    """The trades of a selection as a list, each as ``/api/trades`` gives it."""
    scope, wanted = await _asked()
    return download(
        "trades", "json", "application/json", scope, _json(services().reader, scope, wanted, hides_amounts())
    )


async def csv_of(reader: Reader, scope: Scope, wanted: TradeFilter, hide: bool) -> AsyncIterator[bytes]:
    """Lines of CSV, the names of the columns first; ``hide``: without amounts."""
    columns = [*COLUMNS.values(), "R"]
    yield as_csv([columns])
    async for trades in _pages(reader, scope, wanted):
        rows = [[*row_of(trade), trade.r] for trade in trades]
        yield as_csv(without_columns(columns, rows) if hide else rows)


def row_of(trade: Trade) -> list[Cell]:
    """By COLUMNS."""
    return [trade.row[name] for name in COLUMNS]


async def _json(reader: Reader, scope: Scope, wanted: TradeFilter, hide: bool) -> AsyncIterator[bytes]:
    before = b"["
    async for trades in _pages(reader, scope, wanted):
        for trade in trades:
            yield before + msgspec.json.encode(without_amounts(trade_payload(trade)) if hide else trade_payload(trade))
            before = b",\n"
    yield b"[]" if before == b"[" else b"]"


async def _pages(reader: Reader, scope: Scope, wanted: TradeFilter) -> AsyncIterator[list[Trade]]:
    while page := await reader.read(scope, partial(_page, wanted=wanted), facts=False):
        yield page
        wanted = replace(wanted, after=page[-1].place(wanted))


async def _page(context: Context, wanted: TradeFilter) -> list[Trade]:
    return await read_trades(context.connection, context.capabilities, context.state, wanted)


async def _asked() -> tuple[Scope, TradeFilter]:
    expect_known(PARAMETERS)
    scope = await requested_scope()
    if scope is None:
        raise Problem(404, "no_session", "The database holds no trading session yet.")
    wanted = trade_filter(request.args, services().clock.now(), scope.session.ids)
    # What cannot be read is said before the first line is sent.
    await services().reader.read(scope, partial(_page, wanted=replace(wanted, limit=1)), facts=False)
    return scope, replace(wanted, limit=TRADES_PER_READ)
