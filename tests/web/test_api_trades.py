"""/api/trades: fields, filters, order and pages."""

import html
import itertools
import random
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import asyncpg
import pytest

from tests.rows import insert

DAY = datetime(2026, 3, 10)


async def get(client: Any, query: str = "") -> list[dict[str, Any]]:
    response = await client.get(f"/api/trades{query}")
    assert response.status_code == 200, await response.get_data(as_text=True)
    found: list[dict[str, Any]] = await response.get_json()
    return found


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    """Four trades, closed on 10 to 13 March at noon: a win, a loss by its costs alone, a short win, a breakeven."""
    number = await insert(connection, "trading_sessions", start_time=DAY)
    for day, columns in enumerate(
        (
            {"pnl": 50, "commission": 1, "margin_interest_cost": 2},
            {"pnl": 1, "commission": 3, "symbol": "ETHUSDT"},
            {"pnl": 5, "side": "SHORT"},
            {"pnl": 2, "commission": 2},
        )
    ):
        closed = DAY + timedelta(days=day, hours=12)
        await insert(
            connection, "trades", session_id=number, exit_time=closed, entry_time=closed - timedelta(hours=2), **columns
        )
    return number


async def test_fields(client: Any, connection: asyncpg.Connection) -> None:
    session = await insert(connection, "trading_sessions", start_time=DAY)
    number = await insert(
        connection,
        "trades",
        session_id=session,
        symbol="BTCUSDT",
        side="SHORT",
        entry_price=Decimal("100.5"),
        exit_price=90,
        quantity=Decimal("0.00000001"),
        entry_time=DAY,
        exit_time=DAY + timedelta(minutes=90, microseconds=250_000),
        pnl=Decimal("10.5"),
        commission=Decimal("0.25"),
        margin_interest_cost=Decimal("0.05"),
        pnl_percent=Decimal("1.25"),
        exit_reason="stop loss",
        mfe_price=Decimal("80.4"),
        mae_price=Decimal("110.55"),
        mfe=77,
        stop_loss=Decimal("110.5"),
    )
    (trade,) = await get(client)
    assert trade.pop("mfe") == pytest.approx(0.2)
    assert trade.pop("mae") == pytest.approx(-0.1)
    assert trade.pop("r") == pytest.approx(10.2 / (10 * 0.00000001))
    assert trade == {
        "id": number,
        "symbol": "BTCUSDT",
        "side": "SHORT",
        "entry_price": 100.5,
        "exit_price": 90,
        "quantity": 1e-8,
        "entry_time": "2026-03-10T00:00:00+00:00",
        "exit_time": "2026-03-10T01:30:00.250000+00:00",
        "pnl": 10.5,
        "net_pnl": 10.2,
        "commission": 0.25,
        "pnl_percent": 1.25,
        "exit_reason": "stop loss",
        "strategy_name": "ml_basic",
        "duration_seconds": 5400.25,
    }


@pytest.mark.parametrize("symbol", ["测试USDT", "币安人生USDT", "1000$PEPE USDT", "ÄÖ'\"%;--<b>", "\u202eEVIL"])
async def test_any_market_is_found_by_its_name(
    client: Any, connection: asyncpg.Connection, session: int, symbol: str
) -> None:
    number = await insert(connection, "trades", session_id=session, symbol=symbol)
    found = await get(client, "?" + urlencode({"symbol": symbol}))
    assert [(trade["id"], trade["symbol"]) for trade in found] == [(number, symbol)]
    page = (await (await client.get("/partials/trade_list")).get_data(as_text=True)).replace("<wbr>", "")
    # Whatever its letters do to the direction of text, they do to themselves alone.
    assert f"<bdi>{html.escape(symbol)}</bdi>".replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page


async def test_what_the_engine_did_not_write_is_null(client: Any, session: int) -> None:
    trade = (await get(client, "?limit=1&offset=1"))[0]
    assert [trade[name] for name in ("quantity", "commission", "exit_reason", "mfe", "mae")] == [None] * 5
    assert trade["net_pnl"] == 5


SELECTIONS = {
    "": [13, 12, 11, 10],
    "?limit=2": [13, 12],
    "?limit=2&offset=1": [12, 11],
    "?offset=4": [],
    "?symbol=ethusdt": [11],
    "?symbol=": [13, 12, 11, 10],
    "?symbol=DOGE": [],
    "?side=short": [12],
    "?side=LONG": [13, 11, 10],
    "?outcome=win": [12, 10],
    "?outcome=loss": [11],
    "?outcome=breakeven": [13],
    "?outcome=win&side=long&symbol=BTCUSDT": [10],
    "?from=2026-03-12": [13, 12],
    "?to=2026-03-11": [11, 10],
    "?from=2026-03-11&to=2026-03-12": [12, 11],
    "?from=2026-03-12T12:00:00Z": [13, 12],
    "?from=2026-03-12T12:00:01": [13],
    "?to=2026-03-12T13:00:00%2B01:00": [12, 11, 10],
    "?to=2026-03-12T13:00:00+01:00": [12, 11, 10],
    "?to=2026-03-12T12:59:59+01:00": [11, 10],
    "?from=2026-03-13&to=2026-03-01": [],
    "?to=9999-12-31": [13, 12, 11, 10],
    "?sort=exit_time": [13, 12, 11, 10],
    "?sort=+exit_time": [10, 11, 12, 13],
    "?sort=%2Bexit_time&limit=1": [10],
    "?sort=pnl": [10, 12, 13, 11],
    "?sort=%2Bpnl": [11, 13, 12, 10],
    "?sort=symbol&limit=3": [13, 12, 10],
    "?outcome=win&limit=1&offset=1": [10],
}
"""Query → the days of March on which the trades were closed that it finds, in their order."""


async def test_selection(client: Any, session: int) -> None:
    found = {query: await get(client, query) for query in SELECTIONS}
    days = {
        query: [datetime.fromisoformat(trade["exit_time"]).day for trade in trades] for query, trades in found.items()
    }
    assert days == SELECTIONS


async def test_pages_hold_every_trade_once(client: Any, session: int, connection: asyncpg.Connection) -> None:
    for _ in range(20):
        await insert(connection, "trades", session_id=session, exit_time=DAY + timedelta(days=1, hours=12))
    whole = [trade["id"] for trade in await get(client)]
    pages = [trade["id"] for offset in range(0, 24, 5) for trade in await get(client, f"?limit=5&offset={offset}")]
    assert len(whole) == 24
    assert pages == whole


async def test_pages_hold_each_trade_once_in_order_whatever_the_order(
    client: Any, connection: asyncpg.Connection
) -> None:
    """Trades that ended at the same moment, days of one trade and of many, losses, ties and unknown results."""
    dice = random.Random(3)
    number = await insert(connection, "trading_sessions", start_time=DAY)
    trades = []
    for _ in range(60):
        closed = DAY + timedelta(days=dice.randrange(6), hours=dice.randrange(3))
        pnl = dice.choice((-3, -1, 0, 1, 1, 2, 9, Decimal("NaN")))
        columns = {"entry_time": closed - timedelta(hours=2), "exit_time": closed, "pnl": pnl}
        trades.append((closed, await insert(connection, "trades", session_id=number, **columns), pnl))
    newest = sorted(trades, key=lambda trade: trade[:2], reverse=True)
    known = [trade for trade in newest if trade[2] == trade[2]]
    unknown = [trade for trade in newest if trade[2] != trade[2]]
    best = sorted(known, key=lambda trade: -trade[2]) + unknown
    known.reverse()
    worst = sorted(known, key=lambda trade: trade[2]) + unknown[::-1]
    for sort, wanted in {"exit_time": newest, "%2Bexit_time": newest[::-1], "pnl": best, "%2Bpnl": worst}.items():
        for limit in (1, 7, 25, 60):
            for offset in range(0, 60, limit):
                found = await get(client, f"?sort={sort}&limit={limit}&offset={offset}")
                expected = [trade[1] for trade in wanted[offset : offset + limit]]
                assert [trade["id"] for trade in found] == expected, (sort, limit, offset)


async def test_whichever_are_wanted_all_of_them_are_found(client: Any, connection: asyncpg.Connection) -> None:
    """However sparsely they lie in time: what is asked for decides which days are read."""
    dice = random.Random(4)
    number = await insert(connection, "trading_sessions", start_time=DAY)
    trades = []
    for _ in range(80):
        closed = DAY + timedelta(days=dice.randrange(20), hours=dice.choice((0, 0, 7)))
        symbol, side = dice.choice(("BTCUSDT", "BTCUSDT", "ETHUSDT")), dice.choice(("LONG",) * 9 + ("SHORT",))
        columns = {"exit_time": closed, "pnl": dice.choice((-3, -1, 0, 1, 9)), "symbol": symbol, "side": side}
        columns["id"] = await insert(connection, "trades", session_id=number, entry_time=DAY - timedelta(1), **columns)
        trades.append(columns)
    trades.sort(key=lambda trade: (trade["exit_time"], trade["id"]), reverse=True)
    outcomes = {"win": {1, 9}, "loss": {-3, -1}, "breakeven": {0}}
    since, until = DAY + timedelta(days=3, hours=1), DAY + timedelta(days=15)
    for side, outcome, symbol, sort, between, limit in itertools.product(
        ("long", "short", ""), (*outcomes, ""), ("ETHUSDT", ""), ("", "+exit_time", "symbol"), (True, False), (3, 80)
    ):
        wanted = [
            trade["id"]
            for trade in (trades[::-1] if sort == "+exit_time" else trades)
            if (not side or trade["side"].lower() == side)
            and (not outcome or trade["pnl"] in outcomes[outcome])
            and (not symbol or trade["symbol"] == symbol)
            and (not between or since <= trade["exit_time"] <= until)
        ]
        if sort == "symbol":
            symbols = {trade["id"]: trade["symbol"] for trade in trades}
            wanted.sort(key=symbols.__getitem__)
        times = {"from": since.isoformat(), "to": until.isoformat()} if between else {}
        asked = {"side": side, "outcome": outcome, "symbol": symbol, "sort": sort, "limit": limit, **times}
        query = urlencode({name: value for name, value in asked.items() if value})
        for offset in (0, 2):
            found = await get(client, f"?{query}&offset={offset}")
            assert [trade["id"] for trade in found] == wanted[offset : offset + limit], (query, offset)


async def test_older_pages_go_on_where_the_one_before_ended(client: Any, connection: asyncpg.Connection) -> None:
    number = await insert(connection, "trading_sessions", start_time=DAY)
    for place in range(60):
        closed = DAY + timedelta(days=place // 20)
        await insert(connection, "trades", session_id=number, entry_time=DAY - timedelta(days=1), exit_time=closed)
    found: list[int] = []
    path: str | None = "/trades"
    while path:
        page = await (await client.get(path)).get_data(as_text=True)
        found += [int(number) for number in re.findall(r'id="trade-(\d+)"', page)]
        older = re.search(r'<a href="([^"]+)" rel="next"', page)
        path = html.unescape(older[1]) if older else None
    assert found == sorted(found, reverse=True)
    assert len(found) == 60


async def test_whatever_was_committed_is_in_the_next_answer(
    client: Any, session: int, connection: asyncpg.Connection
) -> None:
    newest, *older = await get(client)
    assert await get(client) == [newest, *older]
    assert await get(client, "?limit=2") == [newest, older[0]]
    added = await insert(connection, "trades", session_id=session, exit_time=DAY + timedelta(days=8))
    assert [trade["id"] for trade in await get(client)] == [added, newest["id"], *(trade["id"] for trade in older)]
    await connection.execute("UPDATE trades SET pnl = 777 WHERE id = $1", older[0]["id"])
    assert 777 in [trade["pnl"] for trade in await get(client)]
    await connection.execute("DELETE FROM trades WHERE id = $1", newest["id"])
    assert newest["id"] not in [trade["id"] for trade in await get(client)]
