"""Which rows of the history are snapshots, and which the traces of bookings, that say nothing of equity."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.rows import BOOKING, ago, insert, now
from tests.sections.test_traps import get

BOOKED_AT = ago(hours=1)


async def test_the_first_snapshots_of_a_session_are_real(connection: asyncpg.Connection, client: Any) -> None:
    """Nothing was traded yet: all is zero and equity is the balance, as in an audit row, but nothing was booked."""
    session = await insert(connection, "trading_sessions", initial_balance=1000)
    await insert(connection, "account_history", session_id=session, **BOOKING, balance=1000, daily_pnl=0)
    assert (await get(client, "/api/metrics"))["equity"] == 1000


async def test_a_flat_account_after_a_restart_has_an_equity(connection: asyncpg.Connection, client: Any) -> None:
    """Its snapshots have all the marks of a booking, today's P&L included; its one booking is half an hour away."""
    session = await insert(connection, "trading_sessions", initial_balance=10_120, start_time=ago(hours=5))
    await insert(connection, "account_balances", session_id=session, last_updated=ago(hours=5), total_balance=10_120)
    for number in range(10):
        await insert(connection, "account_history", **BOOKING, session_id=session, timestamp=ago(minutes=30 * number),
                     balance=10_120, margin_available=10_120, daily_pnl=120)  # fmt: skip
    metrics = await get(client, "/api/metrics")
    shown = ("equity", "available_margin", "max_drawdown", "current_exposure")
    assert [metrics[key] for key in shown] == [10_120, 10_120, 0, 0]


@pytest.mark.parametrize(
    ("changed", "is_snapshot"),
    [
        ({}, False),
        ({"daily_pnl": 0}, False),
        ({"timestamp": BOOKED_AT + timedelta(milliseconds=5)}, False),
        ({"timestamp": BOOKED_AT - timedelta(milliseconds=5)}, False),
        ({"timestamp": BOOKED_AT + timedelta(milliseconds=6)}, True),
        ({"balance": Decimal("990.00000001")}, True),
        ({"total_pnl": None}, True),
        ({"daily_pnl": None}, True),
        ({"margin_available": None}, True),
        ({"margin_available": 989}, True),
        ({"open_positions": 1}, True),
    ],
)
async def test_a_booking_is_known_by_marks_and_twin(
    connection: asyncpg.Connection, client: Any, changed: dict[str, Any], is_snapshot: bool
) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000)
    await insert(connection, "account_history", session_id=session, timestamp=ago(hours=9), balance=1000, total_pnl=1)
    row = BOOKING | {"timestamp": BOOKED_AT, "balance": 990, "margin_available": 990, "daily_pnl": -10} | changed
    async with connection.transaction():
        await insert(connection, "account_balances", session_id=session, last_updated=BOOKED_AT, total_balance=990)
        await insert(connection, "account_history", session_id=session, **row)
    await insert(connection, "positions", session_id=session, current_price=110, unrealized_pnl=50, last_update=now())
    metrics = await get(client, "/api/metrics")
    assert metrics["equity"] == pytest.approx(1040)
    assert metrics["max_drawdown"] == pytest.approx(1 if is_snapshot else 0)


async def test_a_twin_in_another_session_is_none(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000)
    other = await insert(connection, "trading_sessions", mode="PAPER", initial_balance=1000)
    await insert(connection, "account_balances", session_id=other, last_updated=BOOKED_AT, total_balance=990)
    await insert(connection, "account_history", **BOOKING, session_id=session, timestamp=BOOKED_AT, balance=990,
                 daily_pnl=-10)  # fmt: skip
    assert (await get(client, "/api/metrics"))["equity"] == 990
