"""Open positions on the first page: the seven most at risk, each a line on one scale in R."""

from typing import Any

import asyncpg
import pytest

from tests.rows import Columns, ago, insert
from tests.sections.cards import card, rows, words

OPEN: Columns = {"symbol": "ETHUSDT", "entry_price": 100, "quantity": 10, "stop_loss": 90, "take_profit": 120}


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    config = {"risk": {"max_open_positions": 30}}
    return await insert(connection, "trading_sessions", start_time=ago(days=9), strategy_config=config)


async def hold(connection: asyncpg.Connection, bot: int, price: object, **columns: object) -> int:
    last = None if price is None else ago(seconds=1)
    row = OPEN | {"session_id": bot, "current_price": price, "last_update": last}
    return await insert(connection, "positions", **row | columns)


async def line(client: Any) -> tuple[str, str]:
    """The HTML of the only line, and its words."""
    html = await card(client, "open_positions")
    (found,) = rows(html.split("<ul>")[1])
    return html, found


async def test_a_line_leads_to_its_position(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    number = await hold(connection, bot, 95)
    html, found = await line(client)
    assert f'<a class="position" href="/positions/{number}?bot={bot}">' in html
    assert "ETHUSDT Long 10 from 100.00 · 1 h −50.00 −0.50 R stop 90.000, 5.3 % 95.000 target 120.00, 26.3 %" in found


@pytest.mark.parametrize(("side", "stop", "target", "price"), [("LONG", 90, 120, 95), ("SHORT", 110, 80, 105)])
async def test_a_loss_is_left_of_the_entry(
    connection: asyncpg.Connection, bot: int, client: Any, side: str, stop: int, target: int, price: int
) -> None:
    await hold(connection, bot, price, side=side, stop_loss=stop, take_profit=target)
    html, found = await line(client)
    assert "−0.50 R" in found
    assert '<line class="loss-bar" x1="16.67%" x2="33.33%"' in html
    assert '<circle class="price" cx="16.67%"' in html
    assert '<line class="stop" x1="0.0%"' in html
    assert '<circle class="target" cx="100.0%"' in html


LINES: tuple[tuple[object, Columns, str], ...] = (
    (95, {"stop_loss": None}, "no stop 95.000"),
    (89, {}, "−1.10 R stop 90.000, passed 89.000"),
    (121, {}, "121.00 target 120.00, reached"),
    (95, {"trailing_stop_activated": True, "breakeven_triggered": True}, "trailing stop 90.000, 5.3"),
    (95, {"breakeven_triggered": True}, "stop at breakeven 90.000, 5.3"),
    (95, {"take_profit": 0}, "95.000 no target"),
    (95, {"stop_loss": 105}, "−50.00 — R stop 105.00, passed"),
    (None, {}, "— not priced stop 90.000 never priced target 120.00"),
    (95, {"quantity": None}, "— size unknown"),
)


async def test_a_line_says_how_a_position_stands(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    for number, (price, columns, _) in enumerate(LINES):
        await hold(connection, bot, price, symbol=f"M{number}", **columns)
    await hold(connection, bot, 95, symbol="NEW", stop_loss=None, entry_time=ago(seconds=-30))
    found = {line.split()[0]: line.replace("\u202f", " ") for line in rows(await card(client, "open_positions"))}
    for number, (_, _, shown) in enumerate(LINES):
        assert shown in found[f"M{number}"]
    assert "no stop yet 95.000" in found["NEW"]


async def test_an_old_price_is_dated_and_its_dot_hollow(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    await insert(connection, "account_history", session_id=bot)
    await hold(connection, bot, 95, last_update=ago(hours=3))
    html, found = await line(client)
    assert "95.000, 3 h old" in found
    assert '<circle class="old"' in html
    assert '<circle class="price"' not in html


async def test_a_stop_whose_order_is_gone_is_no_live_stop(
    connection: asyncpg.Connection, bot: int, client: Any
) -> None:
    number = await hold(connection, bot, 95)
    await insert(connection, "orders", session_id=bot, position_id=number, order_type="STOP_LOSS", status="CANCELLED",
                 price=90, created_at=ago(hours=1))  # fmt: skip
    html, found = await line(client)
    assert "no live stop at 90.000" in found
    assert 'class="bare"' in html
    assert 'class="stop"' not in html


async def test_seven_are_shown_and_what_the_rest_makes(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    """A wall shows the others too."""
    for number in range(9):
        await hold(connection, bot, 95 + number, symbol=f"M{number}USDT")
    html = await card(client, "open_positions")
    lines = rows(html.split("<ul>")[1])
    assert [found.split()[0] for found in lines] == [f"M{number}USDT" for number in range(9)]
    assert html.count('class="from-wall"') == 2
    assert "9 of 30" in words(html)
    assert "2 more, +50.00 together" in words(html)


async def test_the_rest_says_how_many_are_priced(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    for _ in range(8):
        await hold(connection, bot, None)
    await hold(connection, bot, 95)
    assert "2 more, 1 priced: −50.00" in words(await card(client, "open_positions"))


async def test_more_than_a_wall_shows_are_counted(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    for _ in range(27):
        await hold(connection, bot, 95)
    html = await card(client, "open_positions")
    assert html.count('class="position"') == 25
    assert words(html).endswith("20 more, −1,000.00 together 2 more, −100.00 together")


@pytest.mark.parametrize(("ended", "shown"), [(None, "appears here"), (ago(hours=1), "This bot has ended")])
async def test_nothing_is_open(connection: asyncpg.Connection, bot: int, client: Any, ended: Any, shown: str) -> None:
    await connection.execute("UPDATE trading_sessions SET end_time = $1", ended)
    assert shown in words(await card(client, "open_positions"))


async def test_a_missing_table_is_said_in_the_card(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    await connection.execute("DROP TABLE positions CASCADE")
    assert "No data" in await card(client, "open_positions")
