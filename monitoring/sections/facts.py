"""Gathers the facts that every metric is computed from, once for all sections."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from monitoring.database.capabilities import Capabilities
from monitoring.database.source import Source
from monitoring.metrics.equity_now import equity_now, of_snapshot
from monitoring.metrics.facts import Account, Facts, OpenPosition, Outside
from monitoring.metrics.reported import Errors, Halt, Market
from monitoring.projections import ScopeState
from monitoring.projections.bookings import NEEDS as FLOWS_NEED
from monitoring.projections.equity import NEEDS as HISTORY_NEEDS
from monitoring.projections.outside import count_outside
from monitoring.projections.trades import NEEDS as TRADES_NEED
from monitoring.scope import configured
from monitoring.sections.account_rows import read_account
from monitoring.sections.books import books_of, read_books
from monitoring.sections.engine_reports import read_close_only, read_errors, read_halt
from monitoring.sections.fact_cache import SCAN_MAX_AGE_SECONDS, WINDOW_MAX_AGE_SECONDS, Fact, FactCache
from monitoring.sections.market import read_market
from monitoring.sections.orders import read_order_sums, read_places_stops, read_stop_orders
from monitoring.sections.position_rows import open_position, read_positions
from monitoring.sections.risk_factor import read_newest_entry
from monitoring.sections.section import FactsRead, Reading, traced_state
from monitoring.sections.sources import NO_TABLES, Tables

IN_MEMORY: dict[str, Callable[[ScopeState, datetime], object]] = {
    "daily": lambda state, _now: state.history.daily(),
    "drawdown": lambda state, _now: state.history.drawdown(),
    "trades": lambda state, now: state.trades.sums(now),
    "last_written": lambda state, _now: state.signs.last_written,
    "run_written": lambda state, _now: state.signs.run_written,
    "limit_seconds": lambda state, _now: state.limit_seconds,
}
"""Facts that the projections hold."""


async def read_open_positions(reading: Reading) -> tuple[OpenPosition, ...] | None:
    if not reading.state.positions.counted:
        return None
    if not reading.state.positions.open_ids:
        return ()
    rows = await read_positions(reading.connection, reading.capabilities, reading.state.positions.open_ids)
    return tuple(open_position(row) for row in rows)


async def read_outside(reading: Reading) -> Outside:
    source = Source(reading.connection, reading.capabilities)
    return await count_outside(source, reading.state.rows, reading.state.session.spans, reading.now)


FROM_TABLES = {
    "errors": Fact(read_errors, WINDOW_MAX_AGE_SECONDS),
    "halt": Fact(read_halt),
    "close_only": Fact(read_close_only, WINDOW_MAX_AGE_SECONDS),
    "account": Fact(read_account),
    "books": Fact(read_books),
    "positions": Fact(read_open_positions),
    "orders": Fact(read_order_sums, WINDOW_MAX_AGE_SECONDS),
    "entry": Fact(read_newest_entry),
    "stop_orders": Fact(read_stop_orders),
    "places_stops": Fact(read_places_stops, SCAN_MAX_AGE_SECONDS),
    "market": Fact(read_market),
    "outside": Fact(read_outside),
}
"""Facts that are read by queries."""
UNREAD: dict[str, Any] = {
    **dict.fromkeys(("close_only", "equity", "positions", "orders", "entry", "books", "configured_risk")),
    "errors": Errors(),
    "halt": Halt(None),
    "account": Account(None, None, None, None, None, None, None),
    "market": Market(),
}
"""The same where no query is asked."""
EQUITY_NOW = ("account", "positions", "last_written")
"""Facts that the equity of now is made of, and with it ..."""
UP_TO_NOW = ("equity", "daily", "drawdown")
"""... these."""
OF_SESSION = ("session", "configured_risk")
SESSIONS = frozenset({"trading_sessions"})


async def read_facts(reading: Reading, cache: FactCache) -> FactsRead:
    """Everything known about a scope, and which tables each fact was read from."""
    read = await _read_facts(reading, cache)
    facts, state = await _up_to_now(reading, read.facts)
    made_of = frozenset[str]().union(*(read.sources[name] for name in EQUITY_NOW))
    return FactsRead(facts, {**read.sources, **{name: read.sources[name] | made_of for name in UP_TO_NOW}}, state)


async def _up_to_now(reading: Reading, facts: Facts) -> tuple[Facts, ScopeState]:
    """With the equity of now, where that is known, at the end of the curve and in all that is made of it."""
    state, equity = reading.state, equity_now(facts)
    if equity is None:
        return facts, state
    source = Source(reading.connection, reading.capabilities)
    history = await state.history.up_to(source, state.session.ids, equity)
    up_to_now = replace(facts, equity=equity, daily=history.daily(), drawdown=history.drawdown())
    return up_to_now, replace(state, history=history)


async def _read_facts(reading: Reading, cache: FactCache) -> FactsRead:
    # Those in memory first, so that they are of one moment: others may bring the state up to date while we wait.
    values, sources = _in_memory(reading.state, reading.now)
    for name, fact in FROM_TABLES.items():
        kept = await cache.get(name, fact, reading)
        values[name], sources[name] = kept.value, kept.tables
    capabilities, state = reading.capabilities, reading.state
    # What can be read at all, and how far, concerns every section.
    rest: dict[str, Any] = {
        "now": reading.now,
        **_reasons(capabilities, state),
        "zone_offset": None,
    }
    configured_risk = configured(state.session.config, "risk_per_trade")
    values["equity"], sources["equity"] = of_snapshot(values["account"]), sources["account"]
    facts = Facts(session=state.session, configured_risk=configured_risk, **rest, **values)
    sources |= {**dict.fromkeys(rest, NO_TABLES), **dict.fromkeys(OF_SESSION, SESSIONS)}
    return FactsRead(facts, sources, state)


async def read_facts_of_ended(reading: Reading, account: Account) -> tuple[Facts, ScopeState]:
    """What the projections tell of a scope, its account and its books; everything else is unknown."""
    positions, books = await read_open_positions(reading), await books_of(reading, account)
    found = UNREAD | {"account": account, "equity": of_snapshot(account), "positions": positions, "books": books}
    in_memory, reasons = _in_memory(reading.state, reading.now)[0], _reasons(reading.capabilities, reading.state)
    facts = Facts(now=reading.now, session=reading.state.session, **found, **in_memory, **reasons)
    return await _up_to_now(reading, facts)


def _reasons(capabilities: Capabilities, state: ScopeState) -> dict[str, Any]:
    """Why there are no trades, and why no history, where that is so."""
    no_flows = capabilities.fault("account_balances", *FLOWS_NEED)
    return {
        "no_trades": _why_unknown(capabilities, state, "trades", TRADES_NEED) or "no closed trades",
        "no_history": (no_flows and f"deposits cannot be distinguished from profit: {no_flows}")
        or _why_unknown(capabilities, state, "account_history", HISTORY_NEEDS)
        or "no equity snapshot yet",
    }


def _in_memory(state: ScopeState, now: datetime) -> tuple[dict[str, Any], dict[str, Tables]]:
    """Facts by name, and the tables of each."""
    values, sources = dict[str, Any](), dict[str, Tables]()
    for name, compute in IN_MEMORY.items():
        reads: set[str] = set()
        values[name], sources[name] = compute(traced_state(state, reads), now), frozenset(reads)
    return values, sources


def _why_unknown(capabilities: Capabilities, state: ScopeState, table: str, columns: tuple[str, ...]) -> str | None:
    """Why nothing is known of what the table holds; None where it may hold nothing."""
    if fault := capabilities.fault(table, *columns):
        return f"{table} cannot be read: {fault}"
    return f"{table} is still being read" if state.reading else None
