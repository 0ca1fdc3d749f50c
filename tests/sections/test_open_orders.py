"""Open orders as a list: what asks for a person first."""

from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.sections.cards import card, rows, words


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=ago(days=5))


async def lines(client: Any, query: str = "") -> list[str]:
    html = await card(client, "open_orders", query)
    return [line.replace("\u202f", " ") for line in rows(html.split("<tbody>")[1])]


async def test_orders_say_what_they_are_for(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    for minutes, order_type, side, status in (
        (1, "ENTRY", "SHORT", "PENDING_SUBMIT"),
        (2, "STOP_LOSS", "SHORT", "OPEN"),
        (3, "PARTIAL_EXIT", "LONG", "SUBMITTED"),
        (4, "STOP_LOSS", "SELL", "UNRESOLVED"),
        (5, "ENTRY", "LONG", "FILLED"),
    ):
        await insert(connection, "orders", session_id=bot, order_type=order_type, side=side, status=status, quantity=3,
                     price=None if order_type == "ENTRY" else 48_000, created_at=ago(minutes=minutes))  # fmt: skip
    assert await lines(client) == [
        "BTCUSDT Stop, sell 3 at 48,000.00 unresolved 4 min",
        "BTCUSDT Entry, sell 3 at the market not sent yet 1 min",
        "BTCUSDT Stop, buy 3 at 48,000.00 live 2 min",
        "BTCUSDT Partial exit, sell 3 at 48,000.00 live 3 min",
    ]
    assert "4: 2 stops, 1 entry, 1 partial exit" in words(await card(client, "open_orders"))


async def test_a_stop_that_is_refused_again_and_again_is_one_line(
    connection: asyncpg.Connection, bot: int, client: Any
) -> None:
    number = await insert(connection, "positions", session_id=bot, side="SHORT", quantity=3, stop_loss=55_000)
    for minutes, status in ((200, "FAILED"), (190, "CANCELLED"), (120, "FAILED"), (60, "FAILED"), (5, "FAILED")):
        await insert(connection, "orders", session_id=bot, position_id=number, order_type="STOP_LOSS", side="SHORT",
                     status=status, quantity=3, price=55_000, created_at=ago(minutes=minutes))  # fmt: skip
    assert await lines(client) == ["BTCUSDT Stop, buy 3 at 55,000.00 refused ×3 2 h"]
    await insert(connection, "orders", session_id=bot, position_id=number, order_type="STOP_LOSS", side="SHORT",
                 status="OPEN", quantity=3, price=55_000, created_at=ago(minutes=1))  # fmt: skip
    assert await lines(client, "?orders=all") == [
        "BTCUSDT Stop, buy 3 at 55,000.00 refused 5 min",
        "BTCUSDT Stop, buy 3 at 55,000.00 live 1 min",
    ]


async def test_orders_refused_in_the_last_hour_are_news(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    other = await insert(connection, "trading_sessions", start_time=ago(days=3), mode="PAPER")
    for session, minutes, quantity in ((bot, 50, 3), (bot, 5, 4), (bot, 70, 5), (other, 5, 6)):
        await insert(connection, "orders", session_id=session, status="FAILED", quantity=quantity, price=48_000,
                     created_at=ago(minutes=minutes))  # fmt: skip
    assert await lines(client) == ["BTCUSDT Entry, buy 4 at 48,000.00 refused ×2 50 min"]
    assert "Open orders none" in words(await card(client, "open_orders"))


async def test_all_orders_are_a_link_away(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    for _ in range(11):
        await insert(connection, "orders", session_id=bot, status="OPEN", quantity=3, filled_quantity=1,
                     created_at=ago(minutes=1))  # fmt: skip
    first = await card(client, "open_orders")
    assert "1 filled, at the market" in words(first)
    assert words(first).endswith("8 of 11")
    assert f'href="/positions?bot={bot}&amp;orders=all#open_orders"' in first
    assert len(await lines(client, "?orders=all")) == 11
    assert (await client.get("/partials/open_orders?orders=some")).status_code == 422


async def test_no_orders(bot: int, client: Any) -> None:
    assert "No open orders" in await card(client, "open_orders")
