"""The books' line: what the start, results, flows and corrections leave unexplained of the balance."""

from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.sections.test_traps import get


async def account(connection: asyncpg.Connection, balance: float, *booked: tuple[float, str]) -> int:
    """10,000 at first, ``balance`` for the last half hour; bookings of the time between."""
    session = await insert(connection, "trading_sessions", initial_balance=10_000, start_time=ago(days=2))
    for number in range(6):
        await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=10 * number), total_pnl=1,
                     balance=balance if number < 3 else 10_000)  # fmt: skip
    for place, (total, reason) in enumerate(booked):
        at = ago(minutes=28 - place)
        await insert(connection, "account_balances", session_id=session, last_updated=at, total_balance=total,
                     update_reason=reason)  # fmt: skip
    return session


async def position(connection: asyncpg.Connection, session: int) -> int:
    """Of 2 at 3,000, of which 40 % were sold in two exits; the engine wrote P&L of the first one alone."""
    number = await insert(connection, "positions", session_id=session, entry_price=3000, quantity=2, original_size=0.6,
                          current_size=0.36, size=0.6, current_price=3040, unrealized_pnl=48)  # fmt: skip
    for price, pnl in ((3300, 120), (3200, None)):
        await insert(connection, "partial_trades", position_id=number, size=0.12, price=price, pnl=pnl,
                     timestamp=ago(hours=1))  # fmt: skip
    orders = (("ENTRY", "FILLED", 6, None), ("SCALE_IN", "CONFIRMED", 2, 3), ("ENTRY", "CANCELLED", 9, None),
              ("STOP_LOSS", "FILLED", 7, None))  # fmt: skip
    for kind, status, planned, actual in orders:
        await insert(connection, "orders", position_id=number, session_id=session, order_type=kind, status=status,
                     commission=planned, actual_commission=actual)  # fmt: skip
    return number


async def unexplained(client: Any) -> float:
    value = (await get(client, "/api/metrics"))["unexplained"]
    assert value is not None
    return float(value)


@pytest.mark.parametrize("balance", [10_111, 10_191], ids=["exit not booked", "exit booked"])
async def test_open_positions_explain_what_they_booked(
    connection: asyncpg.Connection, client: Any, balance: float
) -> None:
    """10,000 + 120 − (6 + 3), and 80 where the engine booked the exit that it wrote no P&L of."""
    await position(connection, await account(connection, balance))
    metrics = await get(client, "/api/metrics")
    assert (metrics["realized_open"], metrics["unexplained"]) == pytest.approx((200, 0))


@pytest.mark.parametrize(
    ("balance", "booked", "expected"),
    [
        (10_500, [(10_500, "deposit")], 0),
        (10_000, [(10_500, "deposit")], 0),
        (9_000, [(9_000, "account_sync")], 0),
        (9_000, [(9_000, "Withdrawal"), (8_990, "account_sync"), (9_000, "account_sync")], 0),
        (9_950, [], 50),
        (10_020, [], -20),
    ],
)
async def test_flows_and_corrections_explain_the_balance(
    connection: asyncpg.Connection, client: Any, balance: float, booked: list[tuple[float, str]], expected: float
) -> None:
    await account(connection, balance, *booked)
    assert await unexplained(client) == pytest.approx(expected)


async def test_a_deposit_booked_after_the_last_snapshot(connection: asyncpg.Connection, client: Any) -> None:
    """No snapshot shows it yet, the newest balance does."""
    session = await account(connection, 10_000)
    await insert(connection, "account_balances", session_id=session, total_balance=11_500, update_reason="deposit")
    metrics = await get(client, "/api/metrics")
    assert (metrics["current_balance"], metrics["unexplained"]) == (11_500, 0)


async def test_an_unknown_result_leaves_the_rest_unknown(connection: asyncpg.Connection, client: Any) -> None:
    session = await account(connection, 10_000)
    await insert(connection, "trades", session_id=session, pnl=float("nan"))
    metrics = await get(client, "/api/metrics")
    assert metrics["unexplained"] is None
    assert metrics["reasons"]["unexplained"] == "1 of 1 closed trades has no known P&L"


async def test_another_currency_is_no_balance(connection: asyncpg.Connection, client: Any) -> None:
    """Fees are paid in a coin of their own, whose bookings come between."""
    session = await account(connection, 10_000)
    rows = (("USDT", 10_000, ago(days=1)), ("BNB", 3.2, ago(minutes=5)), ("BNB", 3.1, ago(minutes=1)))
    for currency, total, at in rows:
        await insert(connection, "account_balances", session_id=session, base_currency=currency, last_updated=at,
                     total_balance=total, update_reason="deposit")  # fmt: skip
    shown = await get(client, "/api/balance")
    assert (shown["balance"], shown["currency"]) == (10_000, "USDT")
    assert await unexplained(client) == 0


async def test_an_unknown_balance_is_what_leaves_it_unexplained(connection: asyncpg.Connection, client: Any) -> None:
    session = await account(connection, 10_000)
    await position(connection, session)
    await insert(connection, "account_balances", session_id=session, total_balance=float("nan"))
    metrics = await get(client, "/api/metrics")
    assert (metrics["current_balance"], metrics["unexplained"], metrics["realized_open"]) == (None, None, 200)
    assert metrics["reasons"]["unexplained"] == "no known balance"
