"""A sum of which one part is unknown: the page shows the known part and of how many, programs are told why."""

from decimal import Decimal
from typing import Any

import asyncpg

from tests.rows import ago, insert, now
from tests.sections.test_traps import get
from tests.words import words_of


async def page(client: Any, name: str) -> str:
    text: str = await (await client.get(f"/partials/{name}")).get_data(as_text=True)
    return text


async def test_net_pnl_of_all_trades_but_one(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=9))
    for pnl in (100, Decimal("-40.5"), Decimal("NaN")):
        await insert(connection, "trades", session_id=session, pnl=pnl, commission=0, exit_time=now())
    metrics = await get(client, "/api/metrics")
    assert (metrics["total_pnl"], metrics["daily_pnl"]) == (None, None)
    assert metrics["reasons"]["daily_pnl"] == "1 of 3 trades of today has no known P&L"
    assert "2 of 3: +59.50" in await page(client, "realised")


async def test_open_pnl_of_all_positions_but_one(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=9))
    for price in (110, None):
        await insert(connection, "positions", session_id=session, entry_price=100, current_price=price, quantity=1,
                     last_update=now())  # fmt: skip
    metrics = await get(client, "/api/metrics")
    assert metrics["unrealized_pnl"] is None
    assert "Unrealized P&L +10.00 1 of 2 priced" in words_of(await page(client, "account_now"))
    assert "1 of 2 open, P&L +10.00" in words_of(await page(client, "equity"))
    assert "never priced" in await page(client, "all_positions")


async def test_a_sum_of_nothing_known_is_a_dash(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=9))
    await insert(connection, "trades", session_id=session, pnl=Decimal("NaN"), exit_time=now())
    assert "0 of 1" not in await page(client, "realised")


async def test_risk_of_all_positions_but_one(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=5))
    await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=5), balance=1000)
    for price in (110, None):
        await insert(connection, "positions", session_id=session, entry_price=100, current_price=price, quantity=1,
                     stop_loss=90, last_update=now())  # fmt: skip
    text = words_of(await page(client, "risk_now")).replace("\u202f", " ")
    assert "If all stops hit −20.00 2.00 %, of 1 of 2, all 2 have one" in text
    assert "Exposure 11.0 % net +11.0 % · 1 of 2 priced" in text


async def test_a_new_position_has_no_stop_yet(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=5))
    await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=5), balance=1000)

    async def hold(stop: int | None) -> None:
        await insert(connection, "positions", session_id=session, entry_price=100, current_price=110, quantity=1,
                     stop_loss=stop, entry_time=now(), last_update=now())  # fmt: skip

    await hold(None)
    text = words_of(await page(client, "risk_now"))
    assert "1 has none yet" in text
    assert "it has one" not in text
    assert "Equity would fall" not in text
    assert "At risk to the stops —" in words_of(await page(client, "account_now"))
    await hold(90)
    assert "1 has none yet" in words_of(await page(client, "risk_now"))
    assert "At risk to the stops −20.00 1 without a stop yet" in words_of(await page(client, "account_now"))
