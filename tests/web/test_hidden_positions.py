"""A reader who hides amounts sees none on the page of positions; prices, shares and R stay."""

from decimal import Decimal
from typing import Any

import asyncpg

from tests.rows import ago, insert

PLANTED = ("7771", "3137", "5551", "4241", "6367")
"""Digits of numbers that stand in columns of money and quantities, and nowhere else."""


async def test_no_planted_amount_is_shown(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", start_time=ago(days=5), initial_balance=Decimal("7771.3137"))
    await insert(connection, "account_history", session_id=session, balance=77710, equity=77710, margin_used=31370,
                 margin_available=42410, total_exposure=31370, total_pnl=1, timestamp=ago(hours=1))  # fmt: skip
    await insert(connection, "account_balances", session_id=session, total_balance=77710, available_balance=42410,
                 asset_balances={"BNB": {"free": 6.367, "locked": 3.137}})  # fmt: skip
    position = await insert(connection, "positions", session_id=session, symbol="ETHUSDT", quantity=Decimal("5.551"),
                            entry_price=100, current_price=110, stop_loss=90, last_update=ago(seconds=1),
                            partial_exits_taken=1)  # fmt: skip
    await insert(connection, "partial_trades", position_id=position, pnl=Decimal("42.41"), timestamp=ago(hours=1))
    await insert(connection, "orders", session_id=session, position_id=position, order_type="STOP_LOSS", status="OPEN",
                 quantity=Decimal("5.551"), filled_quantity=Decimal("3.137"), price=90,
                 created_at=ago(hours=1))  # fmt: skip
    shown = await (await client.get("/positions")).get_data(as_text=True)
    assert all(digits in shown.replace(",", "").replace(".", "") for digits in PLANTED)
    client.set_cookie("localhost", "amounts", "hide")
    for path in ("/positions", "/now", f"/positions/{position}"):
        hidden = await (await client.get(path)).get_data(as_text=True)
        found = hidden.replace(",", "").replace(".", "")
        assert [digits for digits in PLANTED if digits in found] == []
        assert "+1.00\u202fR" in hidden
