"""Databases of several sizes, made once and kept: a LIVE session of three years among others that overlap it."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import platformdirs

from monitoring.database.schema import create_schema
from monitoring.postgres.embedded import EmbeddedServer

FOLDER = platformdirs.user_cache_path("monitoring-benchmarks")
YEARS = 3
LIVE, PAPER = 1, 2


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of ``account_history`` and ``trades`` a database holds, both sessions together."""

    name: str
    history: int
    trades: int


SIZES = (
    Size("bench_10k", 10_000, 1_000),
    Size("bench_1m", 1_000_000, 100_000),
    Size("bench_10m_history", 10_000_000, 1_000),
    Size("bench_10m", 10_000_000, 1_000_000),
)

SESSIONS = f"""
INSERT INTO trading_sessions (id, mode, start_time, is_active, initial_balance, strategy_name, symbol, timeframe)
SELECT id, mode, (now() AT TIME ZONE 'UTC') - interval '{YEARS} years', true, 10000, 'ml_basic', 'BTCUSDT', '1h'
FROM (VALUES ({LIVE}, 'LIVE'), ({PAPER}, 'PAPER')) AS made(id, mode)
"""
HISTORY = f"""
INSERT INTO account_history (timestamp, balance, equity, total_pnl, daily_pnl, drawdown, margin_used, margin_available,
                             open_positions, total_exposure, session_id)
SELECT (now() AT TIME ZONE 'UTC') - interval '{YEARS} years' + i * (interval '{YEARS} years' / $1::int),
       10000 + i * (5000.0 / $1) + 400 * sin(i * 60.0 / $1),
       10000 + i * (5000.0 / $1) + 400 * sin(i * 60.0 / $1) + 30 * sin(i * 0.7),
       1 + i * (5000.0 / $1), 5, 1, 100, 9000, 1, 1000, CASE WHEN i % 10 = 0 THEN {PAPER} ELSE {LIVE} END
FROM generate_series(1, $1::int) i
"""
TRADES = f"""
INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, quantity, entry_time, exit_time, pnl,
                    pnl_percent, commission, stop_loss, strategy_name, order_id, session_id)
SELECT 'BTCUSDT', CASE WHEN i % 2 = 0 THEN 'LONG' ELSE 'SHORT' END, 'LIVE', 50000, 50100, 0.1, 0.02,
       closed - interval '1 hour', closed, (i % 97) - 40 + 0.12345678, 1, 0.7, 49000, 'ml_basic', 'order ' || i,
       CASE WHEN i % 10 = 0 THEN {PAPER} ELSE {LIVE} END
FROM (SELECT i, (now() AT TIME ZONE 'UTC') - interval '{YEARS} years' * (1 - i::float8 / $1::int) AS closed
      FROM generate_series(1, $1::int) i) made
"""
POSITIONS = f"""
INSERT INTO positions (symbol, side, status, entry_price, size, quantity, entry_balance, entry_time, last_update,
                       current_price, unrealized_pnl, strategy_name, session_id)
SELECT 'BTCUSDT', 'LONG', CASE WHEN i > $1::int - 3 THEN 'OPEN' ELSE 'CLOSED' END, 50000, 0.1, 0.02, 10000,
       now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC', 50100, 2, 'ml_basic', {LIVE}
FROM generate_series(1, $1::int) i
"""
OTHERS = f"""
INSERT INTO account_balances (base_currency, total_balance, available_balance, last_updated, update_reason, session_id)
SELECT 'USD', 10000 + i, 10000 + i, (now() AT TIME ZONE 'UTC') - interval '{YEARS} years' + i * interval '1 minute',
       CASE WHEN i = 1000 THEN 'Manual adjustment: deposit' ELSE 'trade_exit' END, {LIVE}
FROM generate_series(1, $1::int) i
"""


async def make(server: EmbeddedServer, size: Size) -> str:
    """The DSN of a database of this size, made on first use."""
    if not await _exists(server, size.name):
        started = time.monotonic()
        unfinished = f"{size.name}_unfinished"
        if await _exists(server, unfinished):
            await server.drop_database(unfinished)
        await server.create_database(unfinished)
        connection = await asyncpg.connect(server.url(unfinished), server_settings={"timezone": "UTC"})
        await create_schema(connection)
        await connection.execute(SESSIONS)
        await connection.execute("SELECT setval('trading_sessions_id_seq', 2)")
        rows = {HISTORY: size.history, POSITIONS: size.trades, TRADES: size.trades, OTHERS: size.trades}
        for statement, count in rows.items():
            await connection.execute(statement, count, timeout=1800)
        await connection.execute("VACUUM ANALYZE", timeout=1800)
        await connection.close()
        await _rename(server, unfinished, size.name)
        print(f"made {size.name} in {time.monotonic() - started:.0f} s")
    return server.url(size.name)


async def _exists(server: EmbeddedServer, name: str) -> bool:
    connection = await asyncpg.connect(server.url("postgres"))
    found = await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name)
    await connection.close()
    return bool(found)


async def _rename(server: EmbeddedServer, old: str, new: str) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute(f"ALTER DATABASE {old} RENAME TO {new}")
    await connection.close()


def start_server(folder: Path = FOLDER) -> EmbeddedServer:
    """The benchmarks' own PostgreSQL, kept in the user's cache folder."""
    return EmbeddedServer.start(folder, durable=False)


if __name__ == "__main__":
    with start_server() as running:
        for wanted in SIZES:
            asyncio.run(make(running, wanted))
