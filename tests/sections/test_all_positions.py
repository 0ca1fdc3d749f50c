"""The page of all open positions: order, pages, and what a line has room for there."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.rows import Columns, ago, insert
from tests.sections.cards import card, rows, words

OPEN: Columns = {"entry_price": 100, "quantity": 10, "stop_loss": 90, "original_size": 1, "current_size": 1}


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=ago(days=9))


async def hold(connection: asyncpg.Connection, bot: int, price: object, **columns: object) -> int:
    row = OPEN | {"session_id": bot, "current_price": price, "last_update": ago(seconds=1)}
    return await insert(connection, "positions", **row | columns)


async def markets(client: Any, query: str = "") -> list[str]:
    return [found.split()[0] for found in rows((await card(client, "all_positions", query)).split("<ul>")[1])]


async def test_positions_are_in_the_order_that_is_asked_for(
    connection: asyncpg.Connection, bot: int, client: Any
) -> None:
    await hold(connection, bot, 101, symbol="A", entry_time=ago(hours=3))
    await hold(connection, bot, 96, symbol="B", stop_loss=95, entry_time=ago(hours=2))
    await hold(connection, bot, 93, symbol="C", stop_loss=50, entry_time=ago(hours=4))
    assert await markets(client) == ["B", "C", "A"]
    assert await markets(client, "?sort=pnl") == ["C", "B", "A"]
    assert await markets(client, "?sort=newest") == ["B", "A", "C"]
    html = await card(client, "all_positions", "?sort=pnl")
    assert '<span aria-current="true">by P&amp;L</span>' in html
    assert f'href="/positions?bot={bot}&amp;sort=newest"' in html


async def test_more_than_25_come_page_by_page(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    for number in range(27):
        await hold(connection, bot, 95 + number, symbol=f"M{number}")
    first, second = await card(client, "all_positions"), await card(client, "all_positions", "?page=2&sort=pnl")
    assert words(first).endswith("1 to 25 of 27 Next")
    assert f'href="/positions?bot={bot}&amp;page=2"' in first
    assert words(second).endswith("Previous 26 to 27 of 27")
    assert f'href="/positions?bot={bot}&amp;sort=pnl"' in second
    assert await markets(client, "?page=2") == ["M25", "M26"]
    assert "First page" in await card(client, "all_positions", "?page=3")
    page = await (await client.get("/positions?page=2")).get_data(as_text=True)
    assert "26 to 27 of 27" in page


@pytest.mark.parametrize("query", ["sort=size", "page=0", "page=x", "page=1234567", "page=١"])
async def test_a_wish_that_is_not_understood_is_refused(bot: int, client: Any, query: str) -> None:
    name, _, value = query.partition("=")
    for path in ("/positions", "/partials/all_positions"):
        response = await client.get(path, query_string={name: value})
        assert response.status_code == 422
        assert name in await response.get_data(as_text=True)


async def test_partial_exits_say_what_they_took(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    number = await hold(connection, bot, 105, current_size=Decimal("0.4"), partial_exits_taken=2, scale_ins_taken=1)
    for pnl in (30, None):
        await insert(connection, "partial_trades", position_id=number, size=Decimal("0.3"), price=110, pnl=pnl)
    found = words(await card(client, "all_positions"))
    assert "2 partial exits took +60.00 1 scale-in" in found
    await connection.execute("UPDATE partial_trades SET size = 'NaN'")
    assert "2 partial exits took —" in words(await card(client, "all_positions", "?sort=pnl"))


async def test_fees_make_the_breakeven_price(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    number = await hold(connection, bot, 105)
    await insert(connection, "orders", session_id=bot, position_id=number, quantity=10, filled_quantity=10, price=100,
                 filled_price=100, commission=1, created_at=ago(hours=1))  # fmt: skip
    assert "breakeven 100.20" in words(await card(client, "all_positions"))


async def test_a_line_says_until_when_it_may_be_held(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    await hold(connection, bot, 105, max_holding_until=datetime(2031, 5, 6, 7, 8))
    assert "held until 6 May 2031 07:08 at most" in words(await card(client, "all_positions"))


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("SUBMITTED", "stop order live"),
        ("UNRESOLVED", "stop order unresolved"),
        ("FILLED", "no live stop at 90.000"),
        (None, "no stop order"),
    ],
)
async def test_whether_a_stop_order_is_live(
    connection: asyncpg.Connection, bot: int, client: Any, status: str | None, shown: str
) -> None:
    number = await hold(connection, bot, 105)
    if status:
        await insert(connection, "orders", session_id=bot, position_id=number, order_type="STOP_LOSS", status=status,
                     price=90, created_at=ago(hours=1))  # fmt: skip
    assert shown in words(await card(client, "all_positions"))
