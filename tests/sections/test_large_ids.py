"""Ids beyond what the engine's own column holds: of a database whose owner made it a bigint."""

from typing import Any

import asyncpg
import pytest

from monitoring.sections import SECTIONS
from tests.rows import ago, insert

LARGE = 3_000_000_000
WIDER = """
SELECT format('ALTER TABLE %I ALTER %I TYPE bigint', table_name, column_name) FROM information_schema.columns
WHERE table_schema = 'public' AND data_type = 'integer' AND (column_name = 'id' OR column_name LIKE '%\\_id')
"""
PATHS = ("/", "/bots", "/table/trades", "/api/status", "/api/metrics", "/api/positions", "/api/partial-trades")


@pytest.fixture
async def large(connection: asyncpg.Connection) -> int:
    for (statement,) in await connection.fetch(WIDER):
        await connection.execute(statement)
    await insert(connection, "trading_sessions", id=LARGE, start_time=ago(days=1))
    await insert(connection, "account_history", id=LARGE, session_id=LARGE, timestamp=ago(minutes=1), total_pnl=1)
    await insert(connection, "account_balances", id=LARGE, session_id=LARGE, total_balance=10_000)
    await insert(connection, "positions", id=LARGE, session_id=LARGE, quantity=1)
    await insert(connection, "partial_trades", id=LARGE, position_id=LARGE)
    await insert(connection, "trades", id=LARGE, session_id=LARGE)
    await insert(connection, "strategy_executions", id=LARGE, session_id=LARGE, indicators={"rsi": 40})
    return LARGE


@pytest.mark.parametrize("scope", ["", f"bot={LARGE}", f"session={LARGE}"])
async def test_large_ids_are_read_as_others(large: int, client: Any, scope: str) -> None:
    for path in (*PATHS, *(f"/partials/{section.name}" for section in SECTIONS)):
        response = await client.get(f"{path}?{scope}")
        body = await response.get_data(as_text=True)
        assert response.status_code == 200, (path, body)
        assert "could not be" not in body, path
    metrics = await (await client.get(f"/api/metrics?{scope}")).get_json()
    assert (metrics["total_trades"], metrics["active_positions_count"], metrics["rsi"]) == (1, 1, 40)
    assert metrics["current_balance"] == 10_000
    [position] = await (await client.get(f"/api/positions?{scope}")).get_json()
    assert position["id"] == LARGE
    orders = await client.get(f"/api/positions/{LARGE}/orders?{scope}")
    assert await orders.get_json() == {"position_id": LARGE, "orders": []}
