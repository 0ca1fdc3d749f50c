"""Exposure by market."""

from typing import Any

import asyncpg

from tests.rows import ago, insert
from tests.sections.cards import card, rows, words


async def hold(connection: asyncpg.Connection, symbol: str, price: object, side: str = "LONG") -> None:
    await insert(connection, "positions", session_id=1, symbol=symbol, side=side, entry_price=100, quantity=1,
                 current_price=price, last_update=ago(seconds=1))  # fmt: skip


async def lines(client: Any) -> list[str]:
    html = await card(client, "markets")
    return [line.replace("\u202f", " ") for line in rows(html.split("<tbody>")[1])]


async def test_markets_net_and_gross(connection: asyncpg.Connection, client: Any) -> None:
    await insert(connection, "trading_sessions", start_time=ago(days=9))
    await insert(connection, "account_history", session_id=1, balance=1000)
    for symbol, price, side in (("A", 100, "LONG"), ("A", 100, "SHORT"), ("B", 150, "SHORT"), ("C", None, "LONG")):
        await hold(connection, symbol, price, side)
    assert await lines(client) == ["A 0.00 20.0 %", "B −150.00 15.0 %", "Net · gross −150.00 35.0 %"]
    assert "3 of 4 priced; short is minus" in words(await card(client, "markets"))


async def test_small_markets_are_summed_up(connection: asyncpg.Connection, client: Any) -> None:
    await insert(connection, "trading_sessions", start_time=ago(days=9))
    for number in range(12):
        await hold(connection, f"M{number}", 100 + number)
    found = await lines(client)
    assert [line.split()[0] for line in found] == [*(f"M{number}" for number in range(11, 3, -1)), "4", "Net"]
    assert found[-2:] == ["4 others +406.00 —", "Net · gross +1,266.00 —"]


async def test_without_a_price_there_is_no_exposure(connection: asyncpg.Connection, client: Any) -> None:
    await insert(connection, "trading_sessions", start_time=ago(days=9))
    assert "Nothing is open" in await card(client, "markets")
    await hold(connection, "A", None)
    assert "No price yet" in await card(client, "markets")
