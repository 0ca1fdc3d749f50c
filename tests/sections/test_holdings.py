"""What the account holds, as it was booked."""

from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.sections.cards import card, rows, words


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=ago(days=9))


async def lines(client: Any) -> list[str]:
    return rows((await card(client, "holdings")).split("<tbody>")[1])


async def test_coins_that_should_be_there_are_missed(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    await insert(connection, "account_balances", session_id=bot, base_currency="USDT", total_balance=1000,
                 available_balance=900, asset_balances={"USDT": 1000, "BNB": {"free": 3.2, "locked": 0.1}})  # fmt: skip
    await insert(connection, "positions", session_id=bot, symbol="BTCUSDT", quantity=0.4)
    assert await lines(client) == ["USDT 900.00 100.00 locked 1,000.00", "BTC none 0.4", "BNB 3.2 0.1 locked —"]
    assert "Less is held than the open positions say: BTC." in words(await card(client, "holdings"))


@pytest.mark.parametrize("balances", [None, {}, [], "x", {"USDT": 7}])
async def test_an_account_without_coins(
    connection: asyncpg.Connection, bot: int, client: Any, balances: object
) -> None:
    """No position of a margin account is missed as a coin."""
    await insert(connection, "account_balances", session_id=bot, base_currency="USDT", total_balance=1000,
                 asset_balances=balances if isinstance(balances, dict | list) else None)  # fmt: skip
    await insert(connection, "positions", session_id=bot, symbol="BTCUSDT", quantity=0.4)
    assert await lines(client) == ["USDT 1,000.00 1,000.00"]
    assert "The engine lists no coins." in words(await card(client, "holdings"))


async def test_before_the_first_booking(bot: int, client: Any) -> None:
    assert "Nothing booked yet" in await card(client, "holdings")
