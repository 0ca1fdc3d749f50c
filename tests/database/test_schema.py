import asyncpg
import pytest

from monitoring.database.schema import SCHEMA, TABLES, SchemaExists, create_schema
from tests.rows import DEFAULTS, insert

COLUMNS = """
SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '!' ELSE '' END
FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum
"""
PARTIAL_TRADES = [
    "id integer!",
    "position_id integer!",
    "operation_type character varying(12)!",
    "size numeric(18,8)!",
    "price numeric(18,8)!",
    "pnl numeric(18,8)",
    "target_level integer",
    "timestamp timestamp without time zone",
]
ACCOUNT_HISTORY = [
    "id integer!",
    "timestamp timestamp without time zone!",
    "balance numeric(18,8)!",
    "equity numeric(18,8)!",
    "margin_used numeric(18,8)",
    "margin_available numeric(18,8)",
    "total_pnl numeric(18,8)",
    "daily_pnl numeric(18,8)",
    "drawdown numeric(18,8)",
    "sharpe_ratio numeric(18,8)",
    "sortino_ratio numeric(18,8)",
    "calmar_ratio numeric(18,8)",
    "var_95 numeric(18,8)",
    "open_positions integer",
    "total_exposure numeric(18,8)",
    "session_id integer",
    "created_at timestamp without time zone",
]
STRATEGY_EXECUTIONS = [
    "id integer!",
    "timestamp timestamp without time zone!",
    "strategy_name character varying(100)!",
    "symbol character varying(20)!",
    "timeframe character varying(10)",
    "signal_type character varying(20)",
    "signal_strength double precision",
    "confidence_score double precision",
    "indicators jsonb",
    "sentiment_data jsonb",
    "ml_predictions jsonb",
    "action_taken character varying(50)",
    "position_size numeric(18,8)",
    "reasons jsonb",
    "price numeric(18,8)",
    "volume numeric(18,8)",
    "volatility numeric(18,8)",
    "session_id integer",
    "trade_id integer",
    "created_at timestamp without time zone",
]
INDEXES = {
    "account_history": {"timestamp"},
    "trades": {"entry_time", "exit_time", "entry_time, exit_time", "symbol", "strategy_name"}
    | {"pnl_percent, strategy_name"},
    "positions": {"entry_time", "symbol"},
    "orders": {"position_id, order_type", "status, created_at", "created_at"},
    "account_balances": {"session_id, last_updated"},
    "system_events": {"timestamp, event_type", "severity, timestamp"},
    "risk_adjustments": {"timestamp", "session_id"},
    "trading_sessions": {"start_time"},
}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("partial_trades", PARTIAL_TRADES),
        ("account_history", ACCOUNT_HISTORY),
        ("strategy_executions", STRATEGY_EXECUTIONS),
    ],
)
async def test_columns_are_the_engines(connection: asyncpg.Connection, table: str, expected: list[str]) -> None:
    assert [row[0] for row in await connection.fetch(COLUMNS, table)] == expected


async def test_indexes_are_those_that_users_have_and_no_others(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "SELECT tablename, substring(indexdef FROM '[(](.*)[)]') AS columns FROM pg_indexes"
        " WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'"
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["tablename"], set()).add(row["columns"].replace('"', ""))
    assert found == INDEXES


async def test_an_existing_table_is_named_and_nothing_is_made(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE trades (id int)")
    with pytest.raises(SchemaExists, match="already has trades;") as refusal:
        await create_schema(connection)
    assert refusal.value.tables == ("trades",)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1


async def test_a_failure_half_way_leaves_no_table(connection: asyncpg.Connection) -> None:
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.execute("CREATE TABLE ix_orders_created_at (id int)")
    with pytest.raises(asyncpg.DuplicateTableError):
        await create_schema(connection)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1


async def test_every_table_takes_a_row_of_defaults(connection: asyncpg.Connection) -> None:
    for table in TABLES:
        number = await insert(connection, table)
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE id = $1", number) == 1


def test_the_row_helper_knows_every_table() -> None:
    assert set(DEFAULTS) == set(TABLES)
    assert SCHEMA.count("CREATE TABLE") == 16
