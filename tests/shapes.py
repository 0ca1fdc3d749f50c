"""Databases as they are: the same rows in tables whose columns have other types."""

import asyncpg

from tests.history import seed_account
from tests.rows import insert, now

OF_TYPE = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type = $1 AND ($2::text IS NULL OR table_name = $2) ORDER BY 1, 2
"""
INFINITE = """
UPDATE trades SET pnl = 'Infinity' WHERE id % 3 = 0;
UPDATE trades SET pnl = '-Infinity', commission = 'NaN' WHERE id % 5 = 0;
UPDATE trades SET entry_price = 'Infinity', mfe_price = 1e200, quantity = '-Infinity' WHERE id % 7 = 0;
UPDATE account_history SET equity = 'Infinity', balance = '-Infinity', margin_used = 'Infinity' WHERE id % 4 = 0;
UPDATE account_history SET equity = 1e305 WHERE id % 11 = 0;
UPDATE account_balances SET total_balance = 'Infinity', available_balance = 'NaN' WHERE id % 2 = 0;
UPDATE positions SET current_price = 'Infinity', stop_loss = '-Infinity', unrealized_pnl = 'Infinity';
UPDATE orders SET price = 'Infinity', filled_price = 1e280, commission = 'NaN';
UPDATE partial_trades SET pnl = 'Infinity', price = '-Infinity';
UPDATE risk_adjustments SET adjusted_value = 'Infinity';
UPDATE correlation_matrix SET correlation_value = 'Infinity';
UPDATE portfolio_exposures SET total_exposure = '-Infinity';
UPDATE trading_sessions SET initial_balance = 'Infinity', strategy_config = '{"risk_per_trade": 1e400}';
UPDATE strategy_executions SET indicators = '{"rsi": 1e400, "price_change_24h": -1e400}';
"""
FAR_TIMES = """
UPDATE trades SET exit_time = '58857-01-01' WHERE id % 3 = 0;
UPDATE trades SET entry_time = '-infinity', exit_time = '0044-03-15 BC' WHERE id % 5 = 0;
UPDATE account_history SET timestamp = '58857-01-01' WHERE id % 4 = 0;
UPDATE account_history SET timestamp = '0044-03-15 BC' WHERE id % 7 = 0;
UPDATE account_history SET timestamp = '9999-12-31 23:59:59.999999' WHERE id % 5 = 0;
UPDATE account_balances SET last_updated = '58857-01-01' WHERE id % 2 = 0;
UPDATE positions SET entry_time = '0044-03-15 BC', last_update = '58857-01-01';
UPDATE orders SET created_at = '58857-01-01', filled_at = '0044-03-15 BC' WHERE id % 2 = 0;
UPDATE orders SET status = 'FILLED', created_at = now(), filled_at = 'infinity' WHERE id % 2 = 1;
UPDATE system_events SET timestamp = '58857-01-01';
UPDATE risk_adjustments SET timestamp = '58857-01-01';
UPDATE strategy_executions SET timestamp = '58857-01-01';
UPDATE trading_sessions SET start_time = '-infinity';
"""
"""Milliseconds taken for seconds lie in such years; no date here can hold them."""
NO_CONSTRAINTS = """
ALTER TABLE account_balances ALTER last_updated DROP NOT NULL;
ALTER TABLE trading_sessions ALTER mode DROP NOT NULL, ALTER start_time DROP NOT NULL;
UPDATE account_balances SET last_updated = NULL;
INSERT INTO trading_sessions (mode, start_time, initial_balance, strategy_name, symbol, timeframe)
VALUES (NULL, now(), 1, 'ml_basic', 'BTCUSDT', '1h'), ('LIVE', NULL, 1, 'ml_basic', 'BTCUSDT', '1h');
"""
FIRST_GENERATION = """
CREATE TYPE positionside AS ENUM ('LONG', 'SHORT');
CREATE TYPE orderstatus AS ENUM ('PENDING', 'OPEN', 'FILLED', 'CLOSED', 'CANCELLED', 'FAILED');
CREATE TYPE ordertype AS ENUM ('ENTRY', 'PARTIAL_EXIT', 'SCALE_IN', 'FULL_EXIT', 'STOP_LOSS');
CREATE TYPE tradesource AS ENUM ('LIVE', 'BACKTEST', 'PAPER');
CREATE TYPE eventtype AS ENUM ('ENGINE_START', 'ENGINE_STOP', 'STRATEGY_CHANGE', 'MODEL_UPDATE', 'ERROR', 'WARNING',
                               'ALERT', 'BALANCE_ADJUSTMENT', 'TEST');
CREATE TYPE partialoperationtype AS ENUM ('partial_exit', 'scale_in');
ALTER TABLE trading_sessions ALTER mode TYPE tradesource USING mode::tradesource;
ALTER TABLE trades ALTER side TYPE positionside USING side::positionside,
                   ALTER source TYPE tradesource USING source::tradesource;
ALTER TABLE positions ALTER side TYPE positionside USING side::positionside, ALTER status TYPE orderstatus
    USING (CASE status WHEN 'OPEN' THEN 'PENDING' ELSE 'FILLED' END)::orderstatus;
ALTER TABLE orders ALTER side TYPE positionside USING side::positionside,
                   ALTER status TYPE orderstatus USING status::orderstatus,
                   ALTER order_type TYPE ordertype USING order_type::ordertype;
ALTER TABLE system_events ALTER event_type TYPE eventtype USING event_type::eventtype;
ALTER TABLE partial_trades ALTER operation_type TYPE partialoperationtype
    USING lower(operation_type)::partialoperationtype;
"""


async def retype(
    connection: asyncpg.Connection, kind: str, to: str, using: str = "{0}", table: str | None = None
) -> None:
    """Every column of type ``kind``, of one table or of all, becomes ``to``."""
    for name, column in await connection.fetch(OF_TYPE, kind, table):
        quoted = f'"{column}"'
        await connection.execute(f"ALTER TABLE {name} ALTER {quoted} TYPE {to} USING {using.format(quoted)}")


async def shape(connection: asyncpg.Connection, name: str) -> None:
    """Makes the engine's tables of today those of ``name``."""
    if name == "float":
        await retype(connection, "numeric", "double precision")
    elif name == "oldfloat":
        await retype(connection, "numeric", "double precision", table="account_balances")
    elif name == "timestamptz":
        await retype(connection, "timestamp without time zone", "timestamptz", "{0} AT TIME ZONE 'UTC'")
    elif name in ("numeric", "infinite"):
        await retype(connection, "numeric", "numeric")
    elif name == "native enums":
        await connection.execute(FIRST_GENERATION)
        await retype(connection, "numeric", "double precision", table="account_balances")
    elif name == "far times":
        await connection.execute(FAR_TIMES)
    elif name == "no constraints":
        await connection.execute(NO_CONSTRAINTS)
    elif name == "unreadable":
        await retype(connection, "numeric", "bytea", "'\\\\x00'")
    else:
        raise AssertionError(name)
    if name == "infinite":
        await connection.execute(INFINITE)


SHAPES = ("native enums", "oldfloat", "float", "timestamptz", "infinite", "far times", "no constraints", "unreadable")


async def seed_everything(connection: asyncpg.Connection) -> int:
    """A believable account, and at least one row in every table. Returns its session."""
    session = await seed_account(connection)
    await insert(connection, "system_events", session_id=session, event_type="ERROR", severity="error")
    await insert(connection, "account_balances", session_id=session, update_reason="deposit", total_balance=20_000)
    for table in ("risk_adjustments", "dynamic_performance_metrics", "performance_metrics"):
        await insert(connection, table, session_id=session)
    await insert(connection, "strategy_executions", session_id=session, indicators={"rsi": 40})
    await insert(connection, "orders", session_id=session, status="PENDING", order_type="STOP_LOSS", created_at=now())
    await insert(connection, "positions", session_id=session, status="CLOSED")
    await insert(connection, "correlation_matrix", symbol_pair="BTC-ETH", correlation_value=0.5, last_updated=now())
    await insert(connection, "portfolio_exposures", correlation_group="btc", total_exposure=0.5, symbols=["BTCUSDT"])
    for table in ("partial_trades", "system_control_flags", "reconciliation_audit_events"):
        await insert(connection, table)
    return session
