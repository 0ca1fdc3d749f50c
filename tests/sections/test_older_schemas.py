"""Databases of older engines: without single columns, without whole tables, with other types. Nothing else breaks."""

import contextlib
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import zip_longest
from typing import Any

import asyncpg
import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import TABLES, Capabilities, TableMissing
from monitoring.metrics.catalogue import Evaluation, evaluate
from monitoring.scope import Scope
from monitoring.scope_key import CURRENT
from monitoring.sections import SECTIONS, Context
from monitoring.sections.facts import read_facts
from monitoring.sections.section import Reading
from tests.history import seed_account
from tests.projections.reading import follower_of, refreshed
from tests.rows import ago, insert

OPTIONAL = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns
WHERE table_schema = 'public' AND is_nullable = 'YES' AND table_name = ANY($1::text[]) GROUP BY 1
"""
MISSING_IN_OLD = {
    "trades": "margin_interest_cost, mfe_price, mae_price, mfe_time, mae_time, quantity, stop_loss, position_id",
    "positions": "client_order_id, mfe_price, mae_price, entry_balance, current_size, original_size, last_update",
    "account_history": "total_pnl, daily_pnl, drawdown, margin_used, margin_available, open_positions, total_exposure",
    "account_balances": "asset_balances, updated_by",
    "system_events": "severity, component, error_code",
}
WITHOUT = ("system_control_flags", "reconciliation_audit_events", "orders", "partial_trades", "risk_adjustments",
           "strategy_executions", "correlation_matrix", "portfolio_exposures")  # fmt: skip
PATHS = (
    "/",
    *(f"/partials/{section.name}" for section in SECTIONS),
    *("/api/status", "/api/metrics", "/api/balance", "/api/balance/history", "/api/performance", "/api/positions"),
    *("/api/trades", "/api/trades?sort=pnl", "/api/dashboard/state", "/api/system/status"),
)


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    number = await seed_account(connection)
    await insert(connection, "system_events", session_id=number, event_type="ERROR", severity="error")
    await insert(connection, "account_balances", session_id=number, update_reason="deposit", total_balance=20_000)
    await insert(connection, "risk_adjustments", session_id=number)
    await insert(connection, "strategy_executions", session_id=number, indicators={"rsi": 40})
    return number


@pytest.fixture
async def migrating(database_url: str, session: int) -> Any:
    """A connection that keeps no statements, for a schema that changes under it."""
    opened = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"}, statement_cache_size=0)
    yield opened
    await opened.close()


async def everything(connection: asyncpg.Connection) -> Evaluation:
    """Loads every section that has its tables; returns all metrics."""
    capabilities = await Capabilities.read(connection)
    session = await connection.fetchval("SELECT min(id) FROM trading_sessions")
    follower = await refreshed(connection, await follower_of(connection, session))
    state = follower.state
    reading = Reading(connection, capabilities, state, SYSTEM_CLOCK.now())
    read = await read_facts(reading, follower.fact_cache)
    for section in SECTIONS:
        if all(capabilities.has(table) for table in section.needs):
            scope = Scope(state.session, CURRENT, "30d")
            with contextlib.suppress(TableMissing):
                await section.load(Context(connection, capabilities, state, reading.now, scope, read))
    return evaluate(read.facts)


def broken(evaluation: Evaluation) -> list[str]:
    return [why for why in evaluation.reasons.values() if "could not be computed" in why]


def unknown(evaluation: Evaluation) -> Iterator[str]:
    assert not broken(evaluation)
    for key, value in evaluation.values.items():
        if value is None:
            assert evaluation.reasons[key], key
            yield key
        assert not isinstance(value, float) or math.isfinite(value)


@asynccontextmanager
async def without(connection: asyncpg.Connection, *changes: str) -> AsyncIterator[None]:
    """The schema changed for a while."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("; ".join(changes))
        yield
    except Exception as error:
        error.add_note(f"after {changes}")
        raise
    finally:
        await transaction.rollback()


async def test_any_column_may_be_missing(migrating: asyncpg.Connection) -> None:
    """Of each table one at a time."""
    known = set(unknown(await everything(migrating)))
    columns = dict(await migrating.fetch(OPTIONAL, list(TABLES)))
    for missing in zip_longest(*columns.values()):
        pairs = zip(columns, missing, strict=True)
        drops = [f"ALTER TABLE {table} DROP COLUMN {name} CASCADE" for table, name in pairs if name]
        async with without(migrating, *drops):
            assert set(unknown(await everything(migrating))) >= known


@pytest.mark.parametrize("table", [table for table in TABLES if table != "trading_sessions"])
async def test_any_table_may_be_missing(migrating: asyncpg.Connection, table: str) -> None:
    known = set(unknown(await everything(migrating)))
    async with without(migrating, f"DROP TABLE {table} CASCADE"):
        assert set(unknown(await everything(migrating))) >= known


async def test_types_as_migrations_and_old_engines_made_them(migrating: asyncpg.Connection) -> None:
    """``json`` for ``jsonb``, native enums for varchar: the same figures."""
    now = await everything(migrating)
    await migrating.execute("""
        CREATE TYPE side AS ENUM ('LONG', 'SHORT');
        CREATE TYPE status AS ENUM ('OPEN', 'CLOSED');
        CREATE TYPE mode AS ENUM ('LIVE', 'PAPER', 'BACKTEST');
        CREATE TYPE event AS ENUM ('ENGINE_START', 'ERROR', 'BALANCE_ADJUSTMENT', 'TEST');
        ALTER TABLE trades ALTER side TYPE side USING side::side, ALTER source TYPE mode USING source::mode,
                           ALTER strategy_config TYPE json;
        ALTER TABLE positions ALTER side TYPE side USING side::side, ALTER status TYPE status USING status::status;
        ALTER TABLE trading_sessions ALTER mode TYPE mode USING mode::mode, ALTER strategy_config TYPE json;
        ALTER TABLE system_events ALTER event_type TYPE event USING event_type::event, ALTER details TYPE json;
        ALTER TABLE strategy_executions ALTER indicators TYPE json;
        ALTER TABLE orders ALTER status TYPE text, ALTER order_type TYPE text;
    """)
    then = await everything(migrating)
    assert not broken(then)
    moving = {"system_uptime", "last_data_update"}
    assert {k: v for k, v in then.values.items() if k not in moving} == {
        k: v for k, v in now.values.items() if k not in moving
    }


async def test_an_old_database_over_http(session: int, connection: asyncpg.Connection, client: Any) -> None:
    for table, columns in MISSING_IN_OLD.items():
        for column in columns.split(", "):
            await connection.execute(f"ALTER TABLE {table} DROP COLUMN {column} CASCADE")
    for table in WITHOUT:
        await connection.execute(f"DROP TABLE {table} CASCADE")
    for path in PATHS:
        response = await client.get(path)
        assert response.status_code == 200, path
        assert "could not be computed" not in await response.get_data(as_text=True), path
    metrics = await (await client.get("/api/metrics")).get_json()
    assert metrics["total_trades"] == 40
    assert metrics["fill_rate"] is None
    assert metrics["reasons"]["fill_rate"]


async def test_neither_bookings_nor_a_mark_of_them(migrating: asyncpg.Connection) -> None:
    """The marks that are left decide what a snapshot is."""
    gone = ("DROP TABLE account_balances CASCADE", "ALTER TABLE account_history DROP COLUMN daily_pnl")
    async with without(migrating, *gone):
        found = await everything(migrating)
        assert found.values["equity"] is not None
        assert not broken(found)


async def test_results_without_the_column_of_their_amounts(migrating: asyncpg.Connection) -> None:
    """A result booked beside a deposit is then what the totals differ by."""
    session = await insert(migrating, "trading_sessions", initial_balance=1000, start_time=ago(days=3), mode="LIVE")
    for hours, total, reason in (
        (5, 1010, "realized_pnl_BTCUSDT_x"),
        (4, 1510, "deposit"),
        (1, 1530, "realized_pnl_BTCUSDT_y"),
    ):
        booking = {"total_balance": total, "update_reason": reason, "last_updated": ago(hours=hours)}
        await insert(migrating, "account_balances", session_id=session, **booking)
    for hours, equity in ((6, 1000), (3, 1510), (0, 1530)):
        row = {"balance": equity, "equity": equity, "total_pnl": 1, "timestamp": ago(hours=hours)}
        await insert(migrating, "account_history", session_id=session, **row)
    async with without(migrating, "ALTER TABLE account_history DROP COLUMN daily_pnl"):
        follower = await refreshed(migrating, await follower_of(migrating, session))
        assert follower.history.shown_flows(0, 1e12) == 500
