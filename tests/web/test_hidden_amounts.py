"""A reader who hides amounts sees none on any page, in any table, file or call; prices, shares and R stay."""

import re
from decimal import Decimal
from typing import Any

import asyncpg

from monitoring.sections import PAGES
from monitoring.web.tables import TABLES
from tests.rows import ago, insert
from tests.web.calls import SCOPED

PLANTED = ("7771", "3137", "5551", "4241", "6367")
"""Digits of numbers that stand in columns of money and quantities, and nowhere else."""
TIMES_AND_VERSIONS = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+|[0-9a-f]{12,}(\.\d+)?")
"""These may hold any digits."""


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
    await insert(connection, "trades", session_id=session, pnl=Decimal("77.71"), commission=Decimal("3.137"),
                 quantity=Decimal("5.551"), entry_price=100, exit_price=110, exit_time=ago(hours=1))  # fmt: skip
    paths = [
        *(page.path for page in PAGES),
        *("/trades/1", f"/positions/{position}", "/bots"),
        *(f"/table/{name}{ending}" for name in TABLES for ending in ("", ".csv")),
        *("/trades.csv", "/trades.json"),
        *SCOPED,
    ]
    open_to_see = await digits_of(client, "/positions")
    assert all(digits in open_to_see for digits in PLANTED)
    client.set_cookie("localhost", "amounts", "hide")
    for path in paths:
        found = await digits_of(client, path)
        assert [digits for digits in PLANTED if digits in found] == [], path
    assert "+1.00\u202fR" in await (await client.get("/positions")).get_data(as_text=True)
    assert (await (await client.get("/api/metrics")).get_json())["equity"] is None


async def test_numbers_in_the_words_of_the_engine_are_hidden(connection: asyncpg.Connection, client: Any) -> None:
    """Links included: that to the trades with such an exit is not offered."""
    session = await insert(connection, "trading_sessions", start_time=ago(days=5))
    trade = await insert(connection, "trades", session_id=session, exit_time=ago(hours=1), exit_reason="below 7771 USD")
    await insert(connection, "system_control_flags", name="system_halt", active=True, reason="lost 3137 today",
                 updated_at=ago(minutes=5))  # fmt: skip
    paths = ("/", "/trades", f"/trades/{trade}", "/engine", "/activity", "/trades.csv", "/trades.json", "/api/alerts")
    for path in paths:
        client.set_cookie("localhost", "amounts", "show")
        assert re.search("7771|3137", await digits_of(client, path)), path
        client.set_cookie("localhost", "amounts", "hide")
        assert not re.search("7771|3137", await digits_of(client, path)), path


async def digits_of(client: Any, path: str) -> str:
    """What an answer holds, without times, versions and what stands between digits."""
    body = await (await client.get(path)).get_data(as_text=True)
    return re.sub(r"[,.]", "", TIMES_AND_VERSIONS.sub("", body))
