"""Orders, partial trades, and what is known of correlations."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.web.calls import get

OPENED = datetime(2026, 3, 10, 8)


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=OPENED)


async def test_orders_of_a_position_newest_first(client: Any, connection: asyncpg.Connection, session: int) -> None:
    number = await insert(connection, "positions", session_id=session, status="CLOSED")
    late = await insert(connection, "orders", position_id=number, order_type="FULL_EXIT", created_at=ago(hours=1))
    early = await insert(connection, "orders", position_id=number, created_at=ago(hours=2))
    await insert(connection, "orders", created_at=ago(hours=2))
    answer = await get(client, f"/api/positions/{number}/orders")
    assert answer["position_id"] == number
    assert [order["id"] for order in answer["orders"]] == [late, early]


async def test_a_position_is_of_its_own_session_alone(
    client: Any, connection: asyncpg.Connection, session: int
) -> None:
    number = await insert(connection, "positions", session_id=session)
    other = await insert(connection, "trading_sessions", mode="PAPER")
    assert await get(client, f"/api/positions/{number}/orders?session={session}") == {
        "position_id": number,
        "orders": [],
    }
    for wrong in (other, 99):
        assert (await client.get(f"/api/positions/{number}/orders?session={wrong}")).status_code == 404


async def test_a_position_without_orders(client: Any, connection: asyncpg.Connection, session: int) -> None:
    number = await insert(connection, "positions", session_id=session)
    assert await get(client, f"/api/positions/{number}/orders") == {"position_id": number, "orders": []}


async def test_a_position_that_is_not_there(client: Any) -> None:
    for number in ("7", "2147483648", "9" * 30):
        response = await client.get(f"/api/positions/{number}/orders")
        assert (number, response.status_code) == (number, 404)
        assert (await response.get_json())["error"]["code"] == "unknown_position"


async def test_pending_orders(client: Any, connection: asyncpg.Connection, session: int) -> None:
    columns = {"session_id": session, "created_at": ago(minutes=5)}
    for status in ("FILLED", "CONFIRMED", "CANCELLED", "FAILED"):
        await insert(connection, "orders", status=status, **columns)
    pending = [
        await insert(connection, "orders", status=status, **columns)
        for status in ("PENDING", "OPEN", "PENDING_SUBMIT", "SUBMITTED", "UNKNOWN", "UNRESOLVED")
    ]
    await insert(connection, "orders", status="PENDING", created_at=ago(minutes=5))
    found = await get(client, "/api/pending-orders")
    assert [order["id"] for order in found] == pending[::-1]


async def test_partial_trades(client: Any, connection: asyncpg.Connection, session: int) -> None:
    position = await insert(connection, "positions", session_id=session, side="SHORT", entry_price=200)
    elsewhere = await insert(connection, "positions")
    await insert(connection, "partial_trades", position_id=elsewhere)
    await insert(connection, "partial_trades", position_id=position, operation_type="SCALE_IN")
    newest = await insert(
        connection,
        "partial_trades",
        position_id=position,
        price=190,
        size=0.05,
        pnl=5,
        target_level=1,
        timestamp=OPENED,
    )
    found = await get(client, "/api/partial-trades")
    assert [trade["operation_type"] for trade in found] == ["PARTIAL_EXIT", "SCALE_IN"]
    assert await get(client, "/api/partial-trades?limit=1") == [
        {
            "id": newest,
            "position_id": position,
            "operation_type": "PARTIAL_EXIT",
            "symbol": "BTCUSDT",
            "side": "SHORT",
            "entry_price": 200,
            "price": 190,
            "operation_price": 190,
            "size": 0.05,
            "pnl": 5,
            "target_level": 1,
            "timestamp": "2026-03-10T08:00:00+00:00",
        }
    ]


async def test_correlations_newest_first(client: Any, connection: asyncpg.Connection) -> None:
    await insert(connection, "correlation_matrix", symbol_pair="undated")
    await insert(connection, "correlation_matrix", symbol_pair="old", last_updated=ago(hours=1))
    await insert(
        connection,
        "correlation_matrix",
        symbol_pair="BTC-ETH",
        correlation_value=Decimal("0.75"),
        sample_size=30,
        window_days=7,
        last_updated=OPENED + timedelta(days=9999),
    )
    items = (await get(client, "/api/correlation/matrix"))["items"]
    assert [item["symbol_pair"] for item in items] == ["BTC-ETH", "old", "undated"]
    assert (items[0]["correlation_value"], items[0]["p_value"], items[0]["sample_size"]) == (0.75, None, 30)


@pytest.mark.parametrize(
    ("stored", "symbols"),
    [
        ('["BTC", "ETH"]', ["BTC", "ETH"]),
        ('"[\\"BTC\\"]"', ["BTC"]),
        ('"BTC, ETH"', ["BTC", "ETH"]),
        ('{"BTC": 0.5}', ["BTC"]),
        ("7", []),
        (None, []),
    ],
)
async def test_exposures(client: Any, connection: asyncpg.Connection, stored: str | None, symbols: list[str]) -> None:
    await insert(connection, "portfolio_exposures", symbols=stored, total_exposure=Decimal("0.3"), position_count=2)
    (item,) = (await get(client, "/api/correlation/exposures"))["items"]
    assert item == {
        "correlation_group": None,
        "total_exposure": 0.3,
        "position_count": 2,
        "symbols": symbols,
        "last_updated": None,
    }
