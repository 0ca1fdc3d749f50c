"""The list of trades: by day with sums, in any order, page by page, and as files."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any

import asyncpg
import pytest

from monitoring.projections.trades import ScopeTrades
from monitoring.sections.trade_list import PAGE_ROWS
from monitoring.web import trade_files
from tests.clocks import AN_AFTERNOON, standing_at
from tests.faults.page import dashboard
from tests.rows import ago, insert
from tests.sections.trade_pages import days, figures, ids, link, page, trades

ORDERS = ("exit_time", "+exit_time", "pnl", "+pnl", "r", "+r", "duration", "+duration")
NAN = Decimal("NaN")


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=AN_AFTERNOON - timedelta(days=60))


async def trade(connection: asyncpg.Connection, session: int, closed: datetime, **columns: Any) -> int:
    plain = {"commission": 0, "entry_price": 50_000, "quantity": 1, "entry_time": closed - timedelta(hours=3)}
    return await insert(connection, "trades", session_id=session, exit_time=closed, **{**plain, **columns})


async def test_days_have_sums_of_all_their_trades(
    connection: asyncpg.Connection, database_url: str, session: int
) -> None:
    for days_ago, pnls in ((0, (1, -3)), (1, (4,)), (2, (NAN, 7)), (400, (5,) * 40)):
        for minute, pnl in enumerate(pnls):
            closed = AN_AFTERNOON - timedelta(days=days_ago, minutes=minute)
            await trade(connection, session, closed, pnl=pnl, commission=Decimal("0.25"))
    async with dashboard(database_url, followed=False, clock=standing_at(AN_AFTERNOON)) as opened:
        html = await opened.get("/trades")
        assert days(html) == [
            ["Today 2 trades", "−2.50"],
            ["Yesterday 1 trade", "+3.75"],
            ["Mon 9 Mar 2 trades", "1 of 2: +6.75"],
            ["Tue 4 Feb 2025 40 trades, 25 of them here", "+190.00"],
        ]
        older = await opened.get(link(html, "Older trades") or "")
        assert days(older) == [["Tue 4 Feb 2025 40 trades, 15 of them here", "+190.00"]]
        won = await opened.get("/trades?outcome=win")
        assert days(won)[:2] == [["Today 1 trade", "+0.75"], ["Yesterday 1 trade", "+3.75"]]


async def test_a_row_says_what_became_of_a_trade(client: Any, connection: asyncpg.Connection, session: int) -> None:
    closed = AN_AFTERNOON - timedelta(days=1)
    number = await trade(connection, session, closed, side="SHORT", exit_price=49_000, pnl=1000,
                         quantity=Decimal("1.5"), commission=25, stop_loss=50_500, exit_reason="stop_loss")  # fmt: skip
    html = await page(client)
    (row,) = trades(html)
    assert row == [
        "BTCUSDT Short",
        "stop loss",
        "15:30",
        "3 h",
        "1.5",
        "50,000.00",
        "49,000.00",
        "+1.30 R",
        "",
        "+975.00",
    ]
    assert ids(html) == [number]
    assert 'x="50.00%"' in html
    assert 'width="32.50%"' in html


async def test_what_is_unknown_is_a_dash_with_its_reason(
    client: Any, connection: asyncpg.Connection, session: int
) -> None:
    await trade(connection, session, AN_AFTERNOON, pnl=NAN, quantity=None, size=0, exit_reason=None)
    html = await page(client)
    (row,) = trades(html)
    assert row[1] == "— unknown: no reason recorded"
    assert row[4] == "— unknown: the engine has not written the quantity"
    assert row[7] == "— unknown: it has no known first stop"
    assert row[9] == "— unknown: its P&L or one of its costs is not a number"
    assert "NaN" not in html


async def test_long_and_hostile_words_are_text(client: Any, connection: asyncpg.Connection, session: int) -> None:
    symbol, reason = '<b>"x"&<i>', "<script>alert(1)</script>" + "x" * 75
    await trade(connection, session, AN_AFTERNOON, symbol=symbol, exit_reason=reason)
    html = await page(client)
    assert reason not in html
    assert escape(reason, quote=False) in html
    assert trades(html)[0][0].startswith('<b>"x"&<i>')
    assert figures(await page(client, link(html, symbol) or ""))["Trades"] == "1"


@pytest.fixture
async def many(connection: asyncpg.Connection, session: int) -> list[dict[str, Any]]:
    """Trades with equal times, results and lengths, of two sessions of a bot, as calls give them."""
    second = await insert(connection, "trading_sessions", start_time=AN_AFTERNOON)
    for number in range(PAGE_ROWS * 2 + 7):
        await trade(
            connection,
            second if number % 4 == 0 else session,
            AN_AFTERNOON - timedelta(hours=number % 19),
            entry_time=AN_AFTERNOON - timedelta(hours=20 + number % 5),
            pnl=NAN if number % 11 == 0 else Decimal(number % 7 - 3),
            stop_loss=None if number % 3 == 0 else 49_000 + number % 2,
        )
    return []


@pytest.fixture(params=["in memory", "by the database"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where trades are found; while they are read, by the database."""
    if request.param == "by the database":
        monkeypatch.setattr(ScopeTrades, "selects", lambda state, wanted: False)
    return str(request.param)


def key(row: dict[str, Any], order: str) -> tuple[Any, ...]:
    sign = 1 if order[0] == "+" else -1
    moment = datetime.fromisoformat(row["exit_time"]).timestamp()
    time = (sign * moment, sign * row["id"])
    if order.endswith("exit_time"):
        return time
    amount = row[{"pnl": "net_pnl", "r": "r", "duration": "duration_seconds"}[order.lstrip("+")]]
    return amount is None, 0 if amount is None else sign * amount, *time


@pytest.mark.parametrize("order", ORDERS)
async def test_pages_hold_every_trade_once(client: Any, many: object, where: str, order: str) -> None:
    rows = await (await client.get("/api/trades?limit=1000")).get_json()
    expected = [row["id"] for row in sorted(rows, key=lambda row: key(row, order))]
    assert len(expected) == PAGE_ROWS * 2 + 7
    first = await page(client, f"/trades?sort={order.replace('+', '%2B')}")
    pages = [first]
    while following := _turn(pages[-1], "next"):
        pages.append(await page(client, following))
    assert [number for html in pages for number in ids(html)] == expected
    back = await page(client, _turn(pages[-1], "prev"))
    assert ids(back) == ids(pages[1])
    # Fewer than a page are left before it: the list begins with a whole one all the same.
    assert ids(await page(client, _turn(back, "prev"))) == ids(first)
    assert _turn(first, "prev") == ""


def _turn(html: str, relation: str) -> str:
    pager = html.partition('<nav class="pager"')[2].partition("</nav>")[0]
    found = next((part for part in pager.split("<a ") if f'rel="{relation}"' in part), "")
    return found.partition('href="')[2].partition('"')[0].replace("&amp;", "&")


async def test_newer_trades_leave_an_older_page_alone(
    client: Any, many: object, connection: asyncpg.Connection, session: int
) -> None:
    older = _turn(await page(client), "next")
    before = ids(await page(client, older))
    newest = await trade(connection, session, AN_AFTERNOON + timedelta(minutes=1))
    assert ids(await page(client, older)) == before
    assert ids(await page(client))[0] == newest


async def test_no_address_shows_what_a_trade_made(
    client: Any, many: object, connection: asyncpg.Connection, session: int
) -> None:
    for _ in range(PAGE_ROWS):
        await trade(connection, session, AN_AFTERNOON, pnl=Decimal("4711.25"))
    following = _turn(await page(client, "/trades?sort=pnl"), "next")
    assert following
    assert "4711" not in following


async def test_a_page_whose_trades_are_gone_says_so(client: Any, session: int) -> None:
    html = await page(client, "/trades?after=2020-01-01T00:00:00_1")
    assert "No trades are left" in html
    assert link(html, "Newest trades") == f"/trades?bot={session}"


@pytest.fixture
def _small_reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(trade_files, "TRADES_PER_READ", 10)
    return


@pytest.mark.usefixtures("_small_reads")
async def test_files_hold_the_selection_in_its_order(client: Any, many: object) -> None:
    asked = "outcome=loss&sort=%2Bduration"
    expected = await (await client.get(f"/api/trades?limit=1000&{asked}")).get_json()
    assert len(expected) > 20
    answer = await client.get(f"/trades.json?{asked}")
    assert answer.headers["Content-Disposition"].endswith('.json"')
    assert json.loads(await answer.get_data(as_text=True)) == expected
    lines = list(csv.DictReader(io.StringIO(await (await client.get(f"/trades.csv?{asked}")).get_data(as_text=True))))
    assert [int(line["Id"]) for line in lines] == [row["id"] for row in expected]
    assert [Decimal(line["Net P&L"]) for line in lines] == [Decimal(str(row["net_pnl"])) for row in expected]


async def test_files_of_nothing_are_whole(client: Any, session: int) -> None:
    assert await (await client.get("/trades.json?symbol=NONE")).get_json() == []
    assert (await (await client.get("/trades.csv")).get_data(as_text=True)).startswith("Id,Symbol,Side,")
    refused = await client.get("/trades.csv?outcome=won")
    assert refused.status_code == 422


async def test_a_cell_is_no_formula(client: Any, connection: asyncpg.Connection, session: int) -> None:
    await trade(connection, session, ago(days=1), exit_reason="=1+1")
    assert "'=1+1" in await (await client.get("/trades.csv")).get_data(as_text=True)
