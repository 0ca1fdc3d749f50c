"""What the account is worth, and its history."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, book, insert, now
from tests.web.calls import get


async def snapshot(connection: asyncpg.Connection, session: int, at: datetime, equity: float, **columns: Any) -> None:
    values = {"balance": equity, "total_pnl": 1, **columns}
    await insert(connection, "account_history", session_id=session, timestamp=at, equity=equity, **values)


async def test_balance(client: Any, connection: asyncpg.Connection, booked: int) -> None:
    at = ago(days=39)
    await snapshot(connection, booked, at, equity=990)
    found = await get(client, "/api/balance")
    booked_at = datetime.fromisoformat(found.pop("timestamp")).replace(tzinfo=None)
    assert found == {"balance": 1000.5, "equity": 1000.5, "currency": "USDT"}
    assert ago(minutes=6) < booked_at < ago(minutes=4)


async def test_balance_of_an_empty_session(client: Any, session: int) -> None:
    assert set((await get(client, "/api/balance")).values()) == {None}


async def test_history(client: Any, connection: asyncpg.Connection, session: int) -> None:
    start = now().replace(microsecond=0) - timedelta(days=9)
    for day, equity in enumerate((1100, 990, 1210)):
        await snapshot(connection, session, start + timedelta(days=day), equity, balance=equity - 5)
    points = await get(client, "/api/balance/history")
    assert [datetime.fromisoformat(point["timestamp"]).replace(tzinfo=None) for point in points] == [
        start + timedelta(days=day) for day in range(3)
    ]
    assert [point["balance"] for point in points] == [1095, 985, 1205]
    assert [point["equity"] for point in points] == [1100, 990, 1210]
    assert [point["drawdown"] for point in points] == pytest.approx([0, 10, 0])


async def test_history_is_of_the_last_days_but_its_drawdown_of_all(
    client: Any, connection: asyncpg.Connection, session: int
) -> None:
    await snapshot(connection, session, ago(days=20), 2000)
    await snapshot(connection, session, ago(days=2), 1500)
    (point,) = await get(client, "/api/balance/history?days=3")
    assert (point["equity"], point["drawdown"]) == (1500, 25)
    assert len(await get(client, "/api/balance/history?days=21")) == 2


async def test_drawdown_does_not_mistake_a_withdrawal_for_a_loss(
    client: Any, connection: asyncpg.Connection, session: int
) -> None:
    await insert(connection, "account_balances", session_id=session, total_balance=1000, last_updated=ago(days=5))
    await snapshot(connection, session, ago(days=4), 1000)
    await insert(
        connection,
        "account_balances",
        session_id=session,
        total_balance=400,
        last_updated=ago(days=3),
        update_reason="Manual adjustment: withdrawal",
    )
    await snapshot(connection, session, ago(days=2), 400)
    await snapshot(connection, session, ago(days=1), 300)
    points = await get(client, "/api/balance/history")
    assert [point["drawdown"] for point in points] == pytest.approx([0, 0, 25])


async def test_a_booking_is_no_snapshot_but_part_of_the_equity_now(
    client: Any, connection: asyncpg.Connection, session: int
) -> None:
    at = now().replace(minute=3, second=0, microsecond=0) - timedelta(hours=2)
    await snapshot(connection, session, at, 1100, balance=1000)
    await book(connection, session, at + timedelta(minutes=1), 990, change=-10)
    points = await get(client, "/api/balance/history")
    assert [(point["balance"], point["equity"]) for point in points] == [(1000, 1100), (990, 990)]
    assert (await get(client, "/api/metrics"))["max_drawdown"] == pytest.approx(10)


async def test_performance(client: Any, connection: asyncpg.Connection, session: int) -> None:
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    await snapshot(connection, session, midnight - timedelta(days=2), 1100)
    await snapshot(connection, session, midnight - timedelta(days=1), 990)
    for day, pnl in ((9, 1), (3, 10), (3, -4), (1, 7)):
        closed = midnight - timedelta(days=day) + timedelta(hours=1)
        await insert(connection, "trades", session_id=session, exit_time=closed, pnl=pnl, commission=1)
    shown = await get(client, "/api/performance?days=4")
    assert (shown["balances"], shown["equity"]) == ([1100, 990], [1100, 990])
    assert shown["drawdown"] == pytest.approx([0, 10])
    assert len(shown["timestamps"]) == 2
    assert shown["days"] == [(midnight - timedelta(days=day)).date().isoformat() for day in (4, 3, 2, 1, 0)]
    assert shown["daily_pnl"] == [0, 4, 0, 6, 0]


async def test_performance_of_an_ended_session_ends_with_its_data(client: Any, connection: asyncpg.Connection) -> None:
    session = await insert(connection, "trading_sessions", start_time=ago(days=5), end_time=ago(days=2))
    await insert(connection, "trades", session_id=session, exit_time=ago(days=4), pnl=3)
    await insert(connection, "trades", session_id=session, exit_time=ago(days=3), pnl=4)
    assert (await get(client, "/api/performance"))["daily_pnl"] == [3, 4]
    assert (await get(client, "/api/performance?days=2"))["daily_pnl"] == [3, 4]


async def test_a_long_history_is_thinned(client: Any, connection: asyncpg.Connection, session: int) -> None:
    await connection.execute(
        """
        INSERT INTO account_history (session_id, timestamp, balance, equity, total_pnl)
        SELECT $1, $2::timestamp - n * interval '10 minutes', 1000, 1000 + CASE n WHEN 1234 THEN 500 WHEN 2345 THEN -500
               ELSE n % 7 END, 1 FROM generate_series(0, 5000) n
        """,
        session,
        now(),
    )
    points = await get(client, "/api/balance/history?days=40")
    assert 500 < len(points) <= 2000
    assert {min(point["equity"] for point in points), max(point["equity"] for point in points)} == {500, 1500}
    assert points == sorted(points, key=lambda point: point["timestamp"])
    assert now() - datetime.fromisoformat(points[-1]["timestamp"]).replace(tzinfo=None) < timedelta(minutes=1)
