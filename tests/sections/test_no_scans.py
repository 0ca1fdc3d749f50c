"""Once warm, nothing that is asked for reads all of ``trades`` or ``account_history``, however many rows there are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import pytest
from quart import Quart

from monitoring.sections import SECTIONS
from monitoring.services import KEY, Services
from tests.rows import insert, now

ROWS = 30_000
TABLES = ("trades", "account_history")
PLANS = ("force_custom_plan", "force_generic_plan")
MOST_ROWS = 2_000
"""An answer may read; pages need 50 trades, a page that is 20 pages away as many times more."""

HISTORY = """
INSERT INTO account_history (timestamp, balance, equity, total_pnl, session_id)
SELECT $1::timestamp - i * interval '100 minutes', 10000 - i * 0.01, 10000 - i * 0.01, 1,
       CASE WHEN i % 3 = 0 THEN $3::int ELSE $2::int END
FROM generate_series(0, $4::int) i
"""
TRADES = """
INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, quantity, entry_time, exit_time, pnl,
                    pnl_percent, commission, strategy_name, session_id)
SELECT CASE WHEN i % 10 = 0 THEN 'ETHUSDT' ELSE 'BTCUSDT' END, 'LONG', 'LIVE', 50000, 50100, 0.1, 0.02,
       $1::timestamp - i * interval '100 minutes', $1::timestamp - i * interval '100 minutes', i % 97 - 40, 1, 0.7,
       'ml_basic', CASE WHEN i % 3 = 0 THEN $3::int ELSE $2::int END
FROM generate_series(0, $4::int) i
"""
CALLS = (
    *("/", "/trades/2", "/positions/1"),
    *(f"/partials/{section.name}?range={shown}" for section in SECTIONS for shown in ("24h", "1y", "all")),
    *("/api/status", "/api/system/status", "/api/metrics", "/api/balance", "/api/positions", "/api/pending-orders"),
    *("/api/balance/history?days=30", "/api/balance/history?days=3650", "/api/partial-trades"),
    *("/api/performance?days=7", "/api/performance?days=3650", "/api/dashboard/state", "/versions", "/ready"),
    *("/api/trades?limit=50", "/api/trades?limit=50&offset=1000", "/api/trades?sort=%2Bexit_time"),
    *("/trades?sort=r&outcome=loss", "/trades?symbol=ETHUSDT&closed=30d"),
    *("/api/trades?sort=pnl", "/api/trades?sort=%2Bpnl", "/api/trades?sort=symbol&offset=20"),
    *("/api/trades?symbol=BTCUSDT", "/api/trades?symbol=ETHUSDT", "/api/trades?symbol=NONE"),
    *("/api/trades?side=long", "/api/trades?side=short", "/api/trades?side=long&outcome=loss&sort=%2Bexit_time"),
    *("/api/trades?outcome=win", "/api/trades?outcome=breakeven", "/api/trades?outcome=breakeven&side=long"),
    *("/api/correlation/matrix", "/api/correlation/exposures"),
)


class Query(NamedTuple):
    by: int
    """Which connection asked."""
    text: str
    arguments: Sequence[object] = ()


Asked = list[Query]


def kind(query: Query) -> tuple[object, ...]:
    """Queries of a kind read as much: the same text, about the same day, for ids and numbers of the same size."""
    sizes = (argument.date() if isinstance(argument, datetime) else len(str(argument)) for argument in query.arguments)
    return (query.text, *sizes)


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
    """Every query of the application; to be emptied."""
    queries: Asked = []
    connect = asyncpg.connect

    async def listening(*arguments: Any, **options: Any) -> asyncpg.Connection:
        connection = await connect(*arguments, **options)
        connection.add_query_logger(lambda record: note(Query(id(connection), record.query, record.args)))
        return connection

    def note(query: Query) -> None:
        """The rolling audit reads a chunk now and then, whether anything is asked for or not."""
        if "hashtext(xmin" not in query.text:
            queries.append(query)

    monkeypatch.setattr(asyncpg, "connect", listening)
    return queries


READ = """
SELECT sum(pg_stat_get_xact_tuples_returned(relation)) FROM unnest($1::regclass[]) AS counted,
LATERAL (SELECT counted::oid UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = counted) AS parts (relation)
"""


async def rows_read(connection: asyncpg.Connection, query: Query, plans: str) -> int:
    """How many rows and index entries of TABLES a query reads, with plans for its values or for any."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL plan_cache_mode = {plans}")
        before = await connection.fetchval(READ, TABLES)
        await connection.fetch(query.text, *query.arguments)
        return int(await connection.fetchval(READ, TABLES) - before)


async def greedy(connection: asyncpg.Connection, asked: Asked) -> dict[str, int]:
    """The queries that read more than MOST_ROWS, whichever way they are planned."""
    found = {}
    for query in {kind(query): query for query in asked}.values():
        if query.text.lstrip().upper().startswith(("SELECT", "WITH", "(")):
            read = max([await rows_read(connection, query, way) for way in PLANS])
            if read > MOST_ROWS:
                found[query.text] = read
    return found


async def warmed(client: Any, app: Quart) -> None:
    parts: Services = app.extensions[KEY]
    for _ in range(200):
        await client.get("/api/metrics")
        if not parts.projections.backfill.active:
            return
    raise AssertionError(f"still reading: {parts.projections.backfill.active}")


async def test_warm_calls_read_by_index(
    large: int, asked: Asked, app: Quart, client: Any, connection: asyncpg.Connection
) -> None:
    await warmed(client, app)
    # Rows of nobody are counted when one changed.
    await client.get("/api/status")
    asked.clear()
    for number, path in enumerate(CALLS):
        # So that nothing comes from what was kept.
        await insert(connection, "trades", session_id=large, exit_time=now(), pnl=number)
        await insert(connection, "account_history", session_id=large, balance=10_000, total_pnl=1)
        app.extensions[KEY].hub.publish(large, app.extensions[KEY].hub.sections)
        assert (await client.get(path)).status_code == 200, path
    assert len({query.text for query in asked}) > 20
    assert await greedy(connection, asked) == {}


async def test_the_test_would_notice(large: int, connection: asyncpg.Connection) -> None:
    query = Query(1, "SELECT count(*) FROM trades WHERE session_id = $1", (large,))
    assert await greedy(connection, [query])
