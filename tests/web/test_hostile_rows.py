"""Whatever a row holds – NaN, infinities, times before and after all time – every page and call answers."""

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from monitoring.database.capabilities import TABLES
from monitoring.sections import SECTIONS
from tests.rows import ago, insert

pytestmark = pytest.mark.audit

PAGES = ("/", "/bots", "/explain", *(f"/partials/{section.name}?range=all" for section in SECTIONS))
LISTS = "alerts bots positions trades partial-trades pending-orders balance balance/history performance"
CALLS = tuple(f"/api/{name}" for name in f"{LISTS} status metrics dashboard/state system/status".split())
COLUMNS = """
SELECT table_name AS "table", column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable
FROM information_schema.columns WHERE table_name = ANY($1::text[]) AND column_name <> 'id' AND is_generated = 'NEVER'
"""
WORDS = {
    "side": "LONG SHORT BUY",
    "mode": "LIVE PAPER",
    "source": "LIVE",
    "status": "OPEN CLOSED FILLED FAILED UNKNOWN CONFIRMED",
    "severity": "error critical info HIGH CRITICAL",
    "order_type": "ENTRY STOP_LOSS PARTIAL_EXIT FULL_EXIT SCALE_IN",
    "operation_type": "PARTIAL_EXIT SCALE_IN",
    "parameter_name": "position_size_factor",
    "update_reason": "deposit exchange_sync_correction withdraw realized_pnl_A_b",
    "error_code": "MAX_DRAWDOWN_BREACH X_CLEARED CLOSE_ONLY E1",
    "base_currency": "USD USD BNB",
    "timeframe": "1h bogus 1M",
}
LATELY = "timezone('utc', now()) - random() * interval '3 days'"
NEVER = (
    "'infinity'",
    "'-infinity'",
    "'0001-01-01'",
    "'9999-12-31 23:59:59'",
    "timezone('utc', now()) + interval '2 hours'",
)
NUMBERS = ("'NaN'", "0", "-1", "100", "100.5", "1e-8", "9999999999", "-9999999999", "0.1", "1000")
VALUES = {
    "numeric": NUMBERS,
    "double precision": (*NUMBERS, "'Infinity'", "'-Infinity'", "1e-300", "1e300"),
    "timestamp without time zone": (*[LATELY] * 8, *NEVER),
    "boolean": ("true", "false"),
    "integer": ("0", "1", "1", "2", "2", "3", "-1", "2147483647"),
    "jsonb": ("'{}'", "'null'", "'[]'", "'7'", "'\"{}\"'", '\'{"rsi": 1e400, "close": 5, "max_drawdown": 0.2}\''),
}


def value(chance: random.Random, column: asyncpg.Record) -> str:
    if column["nullable"] and chance.random() < 0.2:
        return "NULL"
    if column["name"] in WORDS:
        return f"'{chance.choice(WORDS[column['name']].split())}'"
    return chance.choice(VALUES.get(column["type"], ("''", "'x'", "'xxxxxxxxx'")))


def statements(chance: random.Random, columns: list[asyncpg.Record]) -> Iterator[str]:
    for table in sorted(set(TABLES) - {"trading_sessions"}):
        mine = [column for column in columns if column["table"] == table]
        for _ in range(chance.randint(1, 8)):
            values = ", ".join(value(chance, column) for column in mine)
            yield f"INSERT INTO {table} ({', '.join(column['name'] for column in mine)}) VALUES ({values})"


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


@pytest.mark.parametrize("floats", [False, True], ids=["numeric", "double precision"])
@pytest.mark.parametrize("seed", [*range(12), 15, 41, 43, 72, 99, 111])
async def test_every_page_and_call_answers(
    client: Any, connection: asyncpg.Connection, seed: int, *, floats: bool
) -> None:
    chance = random.Random(seed)
    columns = await connection.fetch(COLUMNS, list(TABLES))
    for column in columns:
        if floats and column["type"] == "numeric":
            await connection.execute(f"ALTER TABLE {column['table']} ALTER {column['name']} TYPE double precision")
    for days, mode, balance in ((20, "LIVE", 1000), (2, "LIVE", 0), (2, "PAPER", float("nan"))):
        await insert(connection, "trading_sessions", mode=mode, start_time=ago(days=days), initial_balance=balance)
    taken = 0
    for statement in statements(chance, await connection.fetch(COLUMNS, list(TABLES))):
        with suppress(asyncpg.DataError, asyncpg.IntegrityConstraintViolationError):
            await connection.execute(statement)
            taken += 1
    assert taken > 10
    for path in (*PAGES, *CALLS):
        response = await client.get(path)
        text = await response.get_data(as_text=True)
        assert response.status_code == 200, path
        assert "could not be computed" not in text, path
        if path in CALLS:
            json.loads(text, parse_constant=refuse)
