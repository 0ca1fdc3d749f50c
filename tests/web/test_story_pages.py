"""Where a story is told: the page of a trade, of an open position, of another bot, or nowhere."""

import re
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.stories import BROWSER, closed, opened, page, words


async def test_a_closed_position_leads_to_its_trade(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    position = await opened(connection, bot)
    await page(client, f"/positions/{position}")
    trade = await closed(connection, bot, position)
    response = await client.get(f"/positions/{position}", headers=BROWSER)
    assert response.status_code == 303
    assert response.headers["Location"] == f"/trades/{trade}?bot={bot}"
    # An open page shows it in place.
    partial = await client.get(f"/partials/story?position={position}")
    assert f"trade {trade}" in words(str(await partial.get_data(as_text=True)) + "</main>")


@pytest.mark.parametrize("path", ["/trades/99", "/positions/99", f"/trades/{10**30}", "/trades/0"])
async def test_an_unknown_id_is_not_found(bot: int, client: Any, path: str) -> None:
    response = await client.get(path, headers=BROWSER)
    assert response.status_code == 404
    assert "There is no" in await response.get_data(as_text=True)


async def test_a_trade_of_another_bot_is_told_as_that_one_s(
    bot: int, connection: asyncpg.Connection, client: Any
) -> None:
    other = await insert(connection, "trading_sessions", mode="PAPER", start_time=ago(days=9))
    trade = await closed(connection, other, None)
    response = await client.get(f"/trades/{trade}", headers=BROWSER)
    assert response.status_code == 303
    assert response.headers["Location"] == f"/trades/{trade}?bot={other}"
    assert "+20.00" in await page(client, f"/trades/{trade}?bot={other}")
    named = await client.get(f"/trades/{trade}?bot={bot}", headers=BROWSER)
    assert named.status_code == 404
    assert "not one of this bot" in await named.get_data(as_text=True)


async def test_neighbours_are_the_bot_s_trades_in_time(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    other = await insert(connection, "trading_sessions", mode="PAPER")
    numbers = [await closed(connection, owner, None, exit_time=ago(hours=hours), symbol=symbol)
               for owner, hours, symbol in ((bot, 3, "ADAUSDT"), (other, 2, "XRPUSDT"), (bot, 2, "ETHUSDT"),
                                            (bot, 1, "SOLUSDT"))]  # fmt: skip
    body = await (await client.get(f"/trades/{numbers[2]}")).get_data(as_text=True)
    links = re.findall(r'href="/trades/(\d+)\?[^"]*" rel="(prev|next)"', body)
    assert links == [(str(numbers[0]), "prev"), (str(numbers[3]), "next")]
    assert "ADAUSDT long" in words(body)
    ends = await (await client.get(f"/trades/{numbers[0]}")).get_data(as_text=True)
    assert re.findall('rel="(prev|next)"', ends) == ["next"]
