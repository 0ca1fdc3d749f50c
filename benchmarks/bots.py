"""How long the list of bots takes, of 1,500: `python -m benchmarks.bots`. Three of them run, the others have ended."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.databases import start_server
from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.database.schema import create_schema

BOTS, RUNNING = 1500, 3
REPEATS = 5
CALLS = ("/bots", "/api/bots", "/api/metrics?bot=1500")

SESSIONS = f"""
INSERT INTO trading_sessions (id, mode, start_time, end_time, initial_balance, strategy_name, symbol, timeframe)
SELECT i, 'PAPER', at, CASE WHEN i <= {BOTS - RUNNING} THEN at + interval '3 days' END, 1000, 'bot ' || i, 'BTCUSDT',
       '1h'
FROM (SELECT i, (now() AT TIME ZONE 'UTC') - interval '3 days' - ({BOTS} - i) * interval '12 hours' AS at
      FROM generate_series(1, {BOTS}) i) made
"""
HISTORY = """
INSERT INTO account_history (timestamp, balance, equity, total_pnl, session_id)
SELECT start_time + n * interval '1 hour', 1000 + n, 1000 + n + 9 * sin(n), n, id
FROM trading_sessions, generate_series(1, 71) n ORDER BY 1
"""
TRADES = """
INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, entry_time, exit_time, pnl, pnl_percent,
                    strategy_name, session_id)
SELECT 'BTCUSDT', 'LONG', 'PAPER', 1, 2, 0.1, start_time, start_time + n * interval '7 hours', 5 - n, 1, 'x', id
FROM trading_sessions, generate_series(1, 9) n ORDER BY 8
"""
DEPOSITS = """
INSERT INTO account_balances (base_currency, total_balance, available_balance, last_updated, update_reason, session_id)
SELECT 'USDT', 1000 + n * 500, 1000, start_time + n * interval '20 hours', 'Manual adjustment: deposit', id
FROM trading_sessions, generate_series(0, 1) n WHERE id % 10 = 0 ORDER BY 4
"""


async def seed(url: str) -> None:
    writer = await asyncpg.connect(url)
    await create_schema(writer)
    for statement in (SESSIONS, HISTORY, TRADES, DEPOSITS):
        await writer.execute(statement)
    await writer.execute("ANALYZE")
    await writer.close()


async def timed(client: Any, path: str) -> float:
    started = time.perf_counter()
    answer = await client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return time.perf_counter() - started


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="atb-bench-") as folder, start_server(Path(folder)) as server:
        await server.create_database("bots")
        await seed(server.url("bots"))
        app = create_app(load_settings({"DATABASE_URL": server.url("bots"), "ENV": "test"}))
        async with app.test_app():
            client = app.test_client()
            await timed(client, "/")
            for path in CALLS:
                first, *later = [await timed(client, path) for _ in range(REPEATS)]
                print(f"{path}: {first * 1e3:.0f} ms at first, then {statistics.median(later) * 1e3:.0f} ms")


if __name__ == "__main__":
    asyncio.run(main())
