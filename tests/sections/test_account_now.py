"""The account on the page of positions: each figure with its part, in the decimals of its currency."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.rows import Columns, ago, insert, now
from tests.sections.cards import card, words

OPEN: Columns = {"entry_price": 100, "quantity": 10, "stop_loss": 90}


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    config = {"max_open_positions": 30}
    session = await insert(connection, "trading_sessions", start_time=ago(days=9), initial_balance=10_000,
                           strategy_config=config)  # fmt: skip
    await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=20), balance=10_000,
                 equity=10_100, margin_used=505, margin_available=9_495, total_exposure=1010,
                 total_pnl=1)  # fmt: skip
    return session


async def hold(connection: asyncpg.Connection, bot: int, price: object, **columns: object) -> int:
    row = OPEN | {"session_id": bot, "current_price": price, "last_update": ago(seconds=1)}
    return await insert(connection, "positions", **row | columns)


async def shown(client: Any) -> str:
    return words(await card(client, "account_now")).replace("\u202f", " ")


async def test_the_account_with_all_known(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    await hold(connection, bot, 105)
    await hold(connection, bot, 98, side="SHORT", stop_loss=110)
    await insert(connection, "trades", session_id=bot, pnl=-20, commission=1, exit_time=now())
    found = await shown(client)
    for part in (
        "Active positions 2 of 30 slots: 1 long, 1 short",
        "Unrealized P&L +70.00 all priced",
        "Balance 10,000.00 at",
        "Equity 10,070.00 at",
        "Available margin 9,495.00 used 505.00, 5.0 %",
        "Position value 2,030.00 20.2 % of equity; net +0.7 %",
        "Realised today −21.00 1 trade closed",
        "At risk to the stops −270.00 2.68 % of equity, 1.35 R; from entry −200.00",
    ):
        assert part in found


async def test_a_sum_without_one_price_says_of_how_many(connection: asyncpg.Connection, bot: int, client: Any) -> None:
    await hold(connection, bot, 105)
    await hold(connection, bot, None)
    await hold(connection, bot, 95, stop_loss=None)
    found = await shown(client)
    for part in (
        "Unrealized P&L 0.00 2 of 3 priced",
        "Equity 10,100.00 snapshot of",
        "Position value 2,000.00 2 of 3 priced, 19.8 % of equity",
        "At risk to the stops −150.00 1 without a live stop, 1 without a fresh price",
        "1.49 % of equity; from entry −200.00",
    ):
        assert part in found


async def test_an_account_of_which_nothing_is_known(connection: asyncpg.Connection, client: Any) -> None:
    await insert(connection, "trading_sessions")
    found = await shown(client)
    for part in ("Balance —", "Equity — no equity snapshot yet", "Available margin — no margin recorded"):
        assert part in found
    assert "Active positions 0" in found


@pytest.mark.parametrize(
    ("currency", "amount"), [("JPY", "1,234,568"), ("USDT", "1,234,567.89"), ("BTC", "1,234,567.89123456")]
)
async def test_amounts_have_the_decimals_of_the_currency(
    connection: asyncpg.Connection, bot: int, client: Any, currency: str, amount: str
) -> None:
    await insert(connection, "account_balances", session_id=bot, base_currency=currency,
                 total_balance=Decimal("1234567.89123456"))  # fmt: skip
    found = await shown(client)
    assert f"Account {currency}" in found
    assert f"Balance {amount} at" in found
