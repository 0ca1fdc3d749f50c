"""Once warm, nothing that is asked for reads all of ``trades`` or ``account_history``, however many rows there are."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.scope import RANGES
from monitoring.sections import SECTIONS
from monitoring.services import KEY, Services
from tests.rows import insert, now

ROWS = 30_000
TABLES = {"trades", "account_history"}

HISTORY = """
INSERT INTO account_history (timestamp, balance, equity, total_pnl, session_id)
SELECT $1::timestamp - i * interval '10 minutes', 10000 - i * 0.01, 10000 - i * 0.01, 1,
       CASE WHEN i % 3 = 0 THEN $3::int ELSE $2::int END
FROM generate_series(0, $4::int) i
"""
TRADES = """
INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, quantity, entry_time, exit_time, pnl,
                    pnl_percent, commission, strategy_name, session_id)
SELECT CASE WHEN i % 50 = 0 THEN 'ETHUSDT' ELSE 'BTCUSDT' END, 'LONG', 'LIVE', 50000, 50100, 0.1, 0.02,
       $1::timestamp - i * interval '10 minutes', $1::timestamp - i * interval '10 minutes', i % 97 - 40, 1, 0.7,
       'ml_basic', CASE WHEN i % 3 = 0 THEN $3::int ELSE $2::int END
FROM generate_series(0, $4::int) i
"""
CALLS = (
    "/",
    *(f"/partials/{section.name}?range={shown}" for section in SECTIONS for shown in RANGES),
    *("/api/status", "/api/system/status", "/api/metrics", "/api/balance", "/api/positions", "/api/pending-orders"),
    *("/api/balance/history?days=30", "/api/balance/history?days=3650", "/api/partial-trades"),
    *("/api/performance?days=7", "/api/performance?days=3650", "/api/dashboard/state", "/versions", "/ready"),
    *("/api/trades?limit=50", "/api/trades?limit=50&offset=1000", "/api/trades?symbol=BTCUSDT"),
    *("/api/trades?sort=pnl", "/api/trades?sort=%2Bpnl", "/api/trades?sort=symbol", "/api/trades?symbol=ETHUSDT"),
    *("/api/trades?side=long", "/api/trades?outcome=win", "/api/correlation/matrix", "/api/correlation/exposures"),
)

Asked = list[tuple[str, Sequence[object]]]


@pytest.fixture
async def large(connection: asyncpg.Connection) -> int:
    """A LIVE session of 200 days, and another one that overlaps it."""
    session = await insert(connection, "trading_sessions", start_time=now() - timedelta(days=210))
    other = await insert(connection, "trading_sessions", mode="PAPER")
    await insert(connection, "positions", session_id=session, quantity=0.02, current_price=51_000)
    for statement in (HISTORY, TRADES):
        await connection.execute(statement, now(), session, other, ROWS)
    await connection.execute("ANALYZE")
    return session


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Every query of the application, with its arguments; to be emptied."""
    queries: Asked = []
    connect = asyncpg.connect

    async def listening(*arguments: Any, **options: Any) -> asyncpg.Connection:
        connection = await connect(*arguments, **options)
        connection.add_query_logger(lambda record: queries.append((record.query, record.args)))
        return connection

    monkeypatch.setattr(asyncpg, "connect", listening)
    return queries


def scans(plan: Any) -> Iterator[str]:
    """Tables that a plan reads from end to end."""
    if plan.get("Node Type") == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from scans(part)


async def scanned(connection: asyncpg.Connection, asked: Asked) -> dict[str, set[str]]:
    """The queries that read one of TABLES from end to end, and which."""
    found = {}
    for query, arguments in asked:
        if query.lstrip().upper().startswith(("SELECT", "WITH", "(")):
            [plan] = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *arguments))
            if tables := TABLES & set(scans(plan["Plan"])):
                found[query] = tables
    return found


async def warmed(client: Any, app: Quart) -> None:
    parts: Services = app.extensions[KEY]
    for _ in range(200):
        await client.get("/api/metrics")
        if not parts.ledgers.progress:
            return
    raise AssertionError(f"still reading: {parts.ledgers.progress}")


async def test_warm_calls_read_by_index(
    large: int, asked: Asked, app: Quart, client: Any, connection: asyncpg.Connection
) -> None:
    await warmed(client, app)
    asked.clear()
    for number, path in enumerate(CALLS):
        # So that nothing comes from what was kept.
        await insert(connection, "trades", session_id=large, exit_time=now(), pnl=number)
        await insert(connection, "account_history", session_id=large, balance=10_000, total_pnl=1)
        app.extensions[KEY].hub.publish(large, app.extensions[KEY].hub.sections)
        assert (await client.get(path)).status_code == 200, path
    assert len({query for query, _ in asked}) > 20
    assert await scanned(connection, asked) == {}


async def test_the_test_would_notice(large: int, connection: asyncpg.Connection) -> None:
    query = "SELECT count(*) FROM trades WHERE session_id = $1"
    assert await scanned(connection, [(query, (large,))]) == {query: {"trades"}}
