"""Gathers the facts that every metric is computed from, once for all sections."""

import json
from datetime import datetime

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.metrics.facts import Facts, Market, OpenPosition
from monitoring.projections import ScopeState
from monitoring.projections.equity import NEEDS as HISTORY_NEEDS
from monitoring.projections.trades import NEEDS as TRADES_NEED
from monitoring.scope import configured
from monitoring.sections.account import read_account
from monitoring.sections.health import NEWEST_EXECUTIONS, read_health
from monitoring.sections.orders import read_order_sums
from monitoring.sections.positions import open_position, read_positions
from monitoring.sections.risk import read_adjustment

TABLES = frozenset(
    {
        "trades",
        "positions",
        "orders",
        "account_history",
        "account_balances",
        "system_events",
        "system_control_flags",
        "risk_adjustments",
        "strategy_executions",
        "trading_sessions",
    }
)
INDICATORS = f"""
SELECT indicators::text AS indicators, timestamp::timestamp AS at FROM
  (SELECT * FROM strategy_executions ORDER BY id DESC LIMIT {NEWEST_EXECUTIONS}) newest
WHERE session_id = ANY($1::int[]) AND indicators IS NOT NULL ORDER BY id DESC LIMIT 1
"""


async def read_facts(
    connection: asyncpg.Connection, capabilities: Capabilities, state: ScopeState, now: datetime
) -> Facts:
    """Everything known about a scope as of ``now``."""
    session = state.session
    # Of one moment: somebody else may bring the state up to date while we wait for the rest.
    daily, drawdown, trades = state.history.daily(), state.history.drawdown(), state.trades.sums(now)
    adjustment = None
    adjustments_read = capabilities.has("risk_adjustments", "session_id", "parameter_name", "timestamp")
    if adjustments_read:
        adjustment = await read_adjustment(connection, capabilities, session, now)
    return Facts(
        now=now,
        session=session,
        health=await read_health(connection, capabilities, state, now),
        account=await read_account(connection, capabilities, state),
        daily=daily,
        drawdown=drawdown,
        trades=trades,
        positions=await _positions(connection, capabilities, state),
        orders=await read_order_sums(connection, capabilities, session, now),
        adjustment=adjustment,
        market=await _market(connection, capabilities, session.ids),
        configured_risk=configured(session.config, "risk_per_trade"),
        no_trades=_why_unknown(capabilities, state, "trades", TRADES_NEED) or "no closed trades",
        no_history=_why_unknown(capabilities, state, "account_history", HISTORY_NEEDS) or "no equity snapshot yet",
        adjustments_read=adjustments_read,
    )


def _why_unknown(capabilities: Capabilities, state: ScopeState, table: str, columns: tuple[str, ...]) -> str | None:
    """Why nothing is known of what the table holds; None where it may hold nothing."""
    if fault := capabilities.fault(table, *columns):
        return f"{table} cannot be read: {fault}"
    return f"{table} is still being read" if state.reading else None


async def _positions(
    connection: asyncpg.Connection, capabilities: Capabilities, state: ScopeState
) -> tuple[OpenPosition, ...] | None:
    if not state.positions.counted:
        return None
    rows = await read_positions(connection, capabilities, state.positions.open_ids)
    return tuple(open_position(row) for row in rows)


async def _market(connection: asyncpg.Connection, capabilities: Capabilities, sessions: tuple[int, ...]) -> Market:
    if not capabilities.has("strategy_executions", "id", "session_id", "indicators", "timestamp"):
        return Market(None, None, None)
    row = await connection.fetchrow(INDICATORS, sessions)
    if row is None:
        return Market(None, None, None)
    try:
        logged = json.loads(row["indicators"])
    except ValueError:
        logged = {}
    return market(logged if isinstance(logged, dict) else {}, row["at"])


def market(logged: dict[str, object], at: datetime) -> Market:
    """The indicators that the dashboard shows, from what a strategy logged."""

    def number(*names: str) -> float | None:
        for name in names:
            value = logged.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return float(value)
        return None

    trend = logged.get("ema_trend")
    return Market(
        price_change_24h=number("price_change_24h"),
        rsi=number("rsi", "rsi_14"),
        ema_trend=trend if isinstance(trend, str) else None,
        at=at,
    )
