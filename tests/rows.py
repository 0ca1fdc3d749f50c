"""Puts rows into the engine's tables, with believable values in columns that a test does not care about."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg

Columns = dict[str, object]


def now() -> datetime:
    """Naive UTC, as the engine writes it."""
    return datetime.now(UTC).replace(tzinfo=None)


def ago(**interval: float) -> datetime:
    """``ago(hours=2)``"""
    return now() - timedelta(**interval)


def _position() -> Columns:
    return {
        "symbol": "BTCUSDT",
        "side": "LONG",
        "status": "OPEN",
        "entry_price": 50_000,
        "size": 0.1,
        "entry_time": ago(hours=1),
        "strategy_name": "ml_basic",
    }


def _trade() -> Columns:
    return {
        "symbol": "BTCUSDT",
        "side": "LONG",
        "source": "LIVE",
        "entry_price": 50_000,
        "exit_price": 50_500,
        "size": 0.1,
        "entry_time": ago(hours=2),
        "exit_time": ago(hours=1),
        "pnl": 10,
        "pnl_percent": 1,
        "strategy_name": "ml_basic",
    }


def _order() -> Columns:
    return {
        "order_type": "ENTRY",
        "status": "FILLED",
        "internal_order_id": f"entry_{uuid4().hex}",
        "symbol": "BTCUSDT",
        "side": "LONG",
        "quantity": 0.02,
        "strategy_name": "ml_basic",
    }


def _risk_adjustment() -> Columns:
    return {
        "timestamp": now(),
        "adjustment_type": "drawdown",
        "parameter_name": "position_size_factor",
        "original_value": 1,
        "adjusted_value": 0.8,
        "adjustment_factor": 0.8,
    }


DEFAULTS: dict[str, Callable[[], Columns]] = {
    "trading_sessions": lambda: {
        "start_time": ago(days=30),
        "mode": "LIVE",
        "initial_balance": 10_000,
        "strategy_name": "ml_basic",
        "symbol": "BTCUSDT",
        "timeframe": "1h",
    },
    "positions": _position,
    "trades": _trade,
    "orders": _order,
    "partial_trades": lambda: {"operation_type": "PARTIAL_EXIT", "size": 0.05, "price": 50_500},
    "account_history": lambda: {"timestamp": now(), "balance": 10_000},
    "account_balances": lambda: {"base_currency": "USD", "total_balance": 10_000, "last_updated": now()},
    "system_events": lambda: {"timestamp": now(), "event_type": "TEST", "message": "a test"},
    "risk_adjustments": _risk_adjustment,
    "dynamic_performance_metrics": lambda: {"timestamp": now()},
    "performance_metrics": lambda: {"period": "daily", "period_start": ago(days=1), "period_end": now()},
    "strategy_executions": lambda: {"timestamp": now(), "strategy_name": "ml_basic", "symbol": "BTCUSDT"},
    "system_control_flags": lambda: {"name": "system_halt", "active": False},
    "reconciliation_audit_events": lambda: {
        "timestamp": now(),
        "entity_type": "balance",
        "field": "total_balance",
        "reason": "a test",
        "severity": "LOW",
    },
    "correlation_matrix": dict,
    "portfolio_exposures": dict,
}
SAME_AS = {
    "account_history": {"equity": "balance"},
    "account_balances": {"available_balance": "total_balance"},
}
BOOKING: Columns = dict.fromkeys(("total_pnl", "drawdown", "margin_used", "open_positions", "total_exposure"), 0)
"""What a row of the history says of a booking: nothing but balance, ``margin_available`` and ``daily_pnl``."""
PARENTS = {
    "partial_trades": ("position_id", "positions"),
    "risk_adjustments": ("session_id", "trading_sessions"),
    "dynamic_performance_metrics": ("session_id", "trading_sessions"),
}
"""Parents that cannot be missing: the newest one, or a new one."""


async def insert(connection: asyncpg.Connection, table: str, **columns: object) -> int:
    """The new row's id. Dicts and lists become JSON."""
    row = DEFAULTS[table]() | columns
    for column, source in SAME_AS.get(table, {}).items():
        row.setdefault(column, row[source])
    if table in PARENTS and PARENTS[table][0] not in row:
        row[PARENTS[table][0]] = await _newest(connection, PARENTS[table][1])
    values = [json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()]
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    names = f"({', '.join(row)}) VALUES ({places})" if row else "DEFAULT VALUES"
    return await connection.fetchval(f"INSERT INTO {table} {names} RETURNING id", *values)


async def book(
    connection: asyncpg.Connection, session: int, at: datetime, total: object, change: object, reason: str = "entry_fee"
) -> int:
    """A booking as the engine writes it: a new total, and its twin in the history, whose id is returned."""
    async with connection.transaction():
        await insert(connection, "account_balances", session_id=session, last_updated=at, total_balance=total,
                     update_reason=reason)  # fmt: skip
        return await insert(connection, "account_history", **BOOKING, session_id=session, timestamp=at, balance=total,
                            margin_available=total, daily_pnl=change)  # fmt: skip


async def _newest(connection: asyncpg.Connection, table: str) -> int:
    return await connection.fetchval(f"SELECT max(id) FROM {table}") or await insert(connection, table)
