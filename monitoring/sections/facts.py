"""Gathers the facts that every metric is computed from, once for all sections."""

import json
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.metrics.facts import Account, Facts, Health, Market, OpenPosition, OrderSums, RiskAdjustment
from monitoring.projections import ScopeState
from monitoring.projections.equity import NEEDS as HISTORY_NEEDS
from monitoring.projections.trades import NEEDS as TRADES_NEED
from monitoring.scope import configured
from monitoring.sections.account import read_account
from monitoring.sections.fact_cache import WINDOW_SECONDS, FactCache
from monitoring.sections.health import NEWEST_EXECUTIONS, health_of, read_errors, read_halt, read_last_execution
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
ADJUSTMENTS_NEED = ("session_id", "parameter_name", "timestamp")
INDICATORS = f"""
SELECT indicators::text AS indicators, timestamp::timestamp AS at FROM
  (SELECT * FROM strategy_executions ORDER BY id DESC LIMIT {NEWEST_EXECUTIONS}) newest
WHERE session_id = ANY($1::int[]) AND indicators IS NOT NULL ORDER BY id DESC LIMIT 1
"""


async def read_facts(
    connection: asyncpg.Connection, capabilities: Capabilities, state: ScopeState, now: datetime, cache: FactCache
) -> Facts:
    """Everything known about a scope as of ``now``."""
    session = state.session
    # Of one moment: somebody else may bring the state up to date while we wait for the rest.
    daily, drawdown, trades = state.history.daily(), state.history.drawdown(), state.trades.sums(now)
    parts = _Parts(connection, capabilities, state, now, cache)
    return Facts(
        now=now,
        session=session,
        health=await parts.health(),
        account=await parts.account(),
        daily=daily,
        drawdown=drawdown,
        trades=trades,
        positions=await parts.positions(),
        orders=await parts.orders(),
        adjustment=await parts.adjustment(),
        market=await parts.market(),
        configured_risk=configured(session.config, "risk_per_trade"),
        no_trades=_why_unknown(capabilities, state, "trades", TRADES_NEED) or "no closed trades",
        no_history=_why_unknown(capabilities, state, "account_history", HISTORY_NEEDS) or "no equity snapshot yet",
        adjustments_read=capabilities.has("risk_adjustments", *ADJUSTMENTS_NEED),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """The facts that are not in the projections."""

    connection: asyncpg.Connection
    capabilities: Capabilities
    state: ScopeState
    now: datetime
    cache: FactCache

    def _of(self, name: str) -> tuple[str, tuple[int, ...], Capabilities]:
        return name, self.state.session.ids, self.capabilities

    async def health(self) -> Health:
        capabilities, sessions = self.capabilities, self.state.session.ids
        errors = await self.cache.get(
            lambda: read_errors(self.connection, capabilities, sessions, self.now),
            "system_events",
            of=self._of("errors"),
            longest=WINDOW_SECONDS,
        )
        halt = await self.cache.get(
            lambda: read_halt(self.connection, capabilities), "system_control_flags", of=self._of("halt")
        )
        decided = await self.cache.get(
            lambda: read_last_execution(self.connection, capabilities, sessions),
            "strategy_executions",
            of=self._of("last execution"),
        )
        return health_of(self.state, capabilities, errors, halt, decided)

    async def account(self) -> Account:
        return await self.cache.get(
            lambda: read_account(self.connection, self.capabilities, self.state),
            "account_history",
            "account_balances",
            of=self._of("account"),
            also=(self.state.history.last_id, self.state.history.last_snapshot_id),
        )

    async def positions(self) -> tuple[OpenPosition, ...] | None:
        if not self.state.positions.counted:
            return None

        async def read() -> tuple[OpenPosition, ...]:
            rows = await read_positions(self.connection, self.capabilities, self.state.positions.open_ids)
            return tuple(open_position(row) for row in rows)

        return await self.cache.get(read, "positions", of=self._of("positions"), also=self.state.positions.open_ids)

    async def orders(self) -> OrderSums | None:
        return await self.cache.get(
            lambda: read_order_sums(self.connection, self.capabilities, self.state.session, self.now),
            "orders",
            of=self._of("orders"),
            longest=WINDOW_SECONDS,
        )

    async def adjustment(self) -> RiskAdjustment | None:
        if not self.capabilities.has("risk_adjustments", *ADJUSTMENTS_NEED):
            return None
        return await self.cache.get(
            lambda: read_adjustment(self.connection, self.capabilities, self.state.session, self.now),
            "risk_adjustments",
            of=self._of("adjustment"),
            longest=WINDOW_SECONDS,
        )

    async def market(self) -> Market:
        return await self.cache.get(
            lambda: _market(self.connection, self.capabilities, self.state.session.ids),
            "strategy_executions",
            of=self._of("market"),
        )


def _why_unknown(capabilities: Capabilities, state: ScopeState, table: str, columns: tuple[str, ...]) -> str | None:
    """Why nothing is known of what the table holds; None where it may hold nothing."""
    if fault := capabilities.fault(table, *columns):
        return f"{table} cannot be read: {fault}"
    return f"{table} is still being read" if state.reading else None


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
