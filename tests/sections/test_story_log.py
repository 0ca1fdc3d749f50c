"""However long the log of the strategy is, a story reads little of it: only its ids are indexed."""

from datetime import timedelta

import asyncpg

from monitoring.sections.story_log import FIRST_ID, MAX_PRICES, PRICES
from tests.rows import now
from tests.stories import seed_bot

ROWS = 30_000
MAX_READ_ROWS = 5_000
LOG = """
INSERT INTO strategy_executions (timestamp, strategy_name, symbol, price, session_id)
SELECT $1::timestamp + n * interval '1 minute', 'ml_basic', (ARRAY['ETHUSDT', 'BTCUSDT'])[1 + n % 2], 100, $2
FROM generate_series(0, $3::int) n
"""
READ = """
SELECT pg_stat_get_xact_tuples_returned('strategy_executions'::regclass)
       + pg_stat_get_xact_tuples_returned('strategy_executions_pkey'::regclass)
"""


async def test_a_story_reads_little_of_a_long_log(connection: asyncpg.Connection) -> None:
    start, session = now() - timedelta(days=30), await seed_bot(connection)
    await connection.execute(LOG, start, session, ROWS)
    await connection.execute("ANALYZE strategy_executions")
    async with connection.transaction():
        before = await connection.fetchval(READ)
        first = await connection.fetchval(FIRST_ID, start + timedelta(days=2))
        last = await connection.fetchval(FIRST_ID, start + timedelta(days=19))
        step = (last - first) // MAX_PRICES
        prices = await connection.fetch(PRICES, first, last, "ETHUSDT", [session], step)
        read = await connection.fetchval(READ) - before
    assert first == 2 * 24 * 60 + 1
    assert len(prices) >= MAX_PRICES
    assert read < MAX_READ_ROWS
