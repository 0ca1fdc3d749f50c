"""Equity below zero: it is shown as the loss that it is, and nothing is counted from it."""

from datetime import timedelta
from typing import Any

import asyncpg

from tests.rows import ago, insert
from tests.web.calls import get


async def test_a_debt_is_a_drawdown_of_more_than_everything(connection: asyncpg.Connection, client: Any) -> None:
    """Of the highest equity before, on whichever day that was."""
    session = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=3))
    for days, equity in ((2, 1000), (1, 2000), (1, 100), (0, -400)):
        at = ago(days=days) if equity != 100 else ago(days=1) + timedelta(seconds=1)
        await insert(connection, "account_history", session_id=session, timestamp=at, equity=equity, total_pnl=1)
    metrics = await get(client, "/api/metrics")
    assert (metrics["current_drawdown"], metrics["max_drawdown"], metrics["total_return"]) == (120, 120, -140)


async def test_money_paid_into_a_debt_ends_the_drawdown(connection: asyncpg.Connection, client: Any) -> None:
    """Nothing can be counted from what is not there: no figure stays behind as if it were of now."""
    session = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=3))
    await insert(connection, "account_balances", session_id=session, total_balance=1000, last_updated=ago(days=3))
    row = {"session_id": session, "total_pnl": 1}
    await insert(connection, "account_history", timestamp=ago(hours=4), balance=1000, equity=-400, **row)
    deposit = {"update_reason": "deposit", "last_updated": ago(hours=3)}
    await insert(connection, "account_balances", session_id=session, total_balance=1100, **deposit)
    await insert(connection, "account_history", timestamp=ago(hours=2), balance=1100, equity=-300, **row)
    await insert(connection, "account_history", timestamp=ago(hours=1), balance=1100, equity=500, **row)
    await connection.execute("UPDATE trading_sessions SET strategy_config = '{\"max_drawdown\": 0.2}'")
    metrics = await get(client, "/api/metrics")
    why = "money was paid into a debt: no return can be counted from there on"
    for key in ("current_drawdown", "max_drawdown"):
        assert (metrics[key], metrics["reasons"][key]) == (None, why)
    assert "drawdown_limit" not in [one["code"] for one in await get(client, "/api/alerts")]
