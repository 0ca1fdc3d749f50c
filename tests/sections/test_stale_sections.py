"""Whatever a commit changes on an open page is announced, and nothing that was not read from the tables it touched."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from monitoring.clock import Clock
from monitoring.rendering.fragments import Variant
from monitoring.scope import Scope
from monitoring.scope_key import BotScope, ScopeKey, SessionScope
from monitoring.sections import BY_NAME, Context
from monitoring.sections.faults import FaultsView
from monitoring.signals.subscription import Subscription
from tests.clocks import standing_at
from tests.faults.page import Page, dashboard
from tests.history import seed_account
from tests.rows import ago, insert, now
from tests.signalled import signal_to
from tests.waiting import until, waiting

COMMITS = {
    "a trade": "INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, entry_time, exit_time, pnl,"
    " pnl_percent, strategy_name, session_id) SELECT symbol, side, source, entry_price, exit_price, size, entry_time,"
    " $1, 300, 3, strategy_name, session_id FROM trades WHERE id = 1",
    "a price": "UPDATE positions SET current_price = 52000, unrealized_pnl = 40, last_update = $1",
    "a position closed": "UPDATE positions SET status = 'CLOSED', last_update = $1",
    "an order of a position": "INSERT INTO orders (position_id, order_type, status, internal_order_id, symbol, side,"
    " quantity, price, created_at, strategy_name, session_id)"
    " SELECT 1, 'STOP_LOSS', 'FAILED', 'stop', symbol, side, 0.02, 49000, $1, strategy_name, 1 FROM orders",
    "a snapshot": "INSERT INTO account_history (timestamp, balance, equity, total_pnl, margin_used, session_id)"
    " VALUES ($1, 9900, 9950, 1, 20, 1)",
    "a deposit": "INSERT INTO account_balances (base_currency, total_balance, available_balance, last_updated,"
    " update_reason, session_id) VALUES ('USD', 14000, 14000, $1, 'Manual adjustment: deposit', 1)",
    "an error": "INSERT INTO system_events (timestamp, event_type, severity, message, session_id)"
    " VALUES ($1, 'ERROR', 'error', 'order refused', 1)",
    "a risk adjustment": "INSERT INTO risk_adjustments (timestamp, adjustment_type, parameter_name, original_value,"
    " adjusted_value, adjustment_factor, session_id) SELECT max(entry_time), 'drawdown', 'position_size_factor', 1,"
    " 0.5, 0.5, 1 FROM (SELECT entry_time FROM positions UNION ALL SELECT entry_time FROM trades) entries"
    " WHERE entry_time < $1",
    "a decision": "INSERT INTO strategy_executions (timestamp, strategy_name, symbol, indicators, session_id)"
    " VALUES ($1, 'ml_basic', 'BTCUSDT', '{\"rsi\": 71}', 1)",
    "the kill switch": "INSERT INTO system_control_flags (name, active, reason, updated_at)"
    " VALUES ('system_halt', true, 'flash crash', $1)",
    "the end of the session": "UPDATE trading_sessions SET end_time = $1",
    "a correction of an old trade": "UPDATE trades SET pnl = -500, updated_at = $1 WHERE id = 3",
    "a correction of an old snapshot": "UPDATE account_history SET equity = 5000, created_at = $1 WHERE id = 3",
    "an old trade deleted": "DELETE FROM trades WHERE id = 5 AND exit_time < $1",
}
UNTOUCHED = {
    "a trade": {"faults", "sessions"},
    "a price": {"trade_list", "trade_filter", "sessions", "faults"},
    "a snapshot": {"trade_list", "trade_filter", "sessions", "faults"},
    "a deposit": {"trade_list", "trade_filter", "sessions", "faults"},
    "a decision": {"trade_list", "trade_filter", "sessions", "faults"},
    "an order of a position": {"trade_list", "faults", "figures", "state"},
}
"""Sections that have nothing to do with each commit. A sign of life may make prices fresh, and with them the equity;
an error changes the status, which concerns every section."""


@pytest.fixture
async def clock(connection: asyncpg.Connection) -> Clock:
    """It stands still, so that whatever differs was changed."""
    await seed_account(connection)
    booked = {"total_balance": 10_000, "last_updated": ago(days=2), "update_reason": "Manual adjustment: first"}
    await insert(connection, "account_balances", session_id=1, **booked)
    return standing_at(now())


@pytest.fixture
async def page(clock: Clock, database_url: str) -> AsyncIterator[Page]:
    async with dashboard(database_url, followed=False, clock=clock) as opened:
        await until(lambda: not opened.parts.projections.backfill.active)
        await asyncio.sleep(0)  # so that it is told of
        yield opened


async def sections(page: Page) -> dict[str, str]:
    return {name: await page.get(f"/partials/{name}?bot=1") for name in page.parts.hub.sections}


async def announced(viewer: Subscription, awaited: set[str]) -> set[str]:
    """What the viewer is told of, until it was told of all that is awaited."""
    told: set[str] = set()
    try:
        async with waiting():
            while not awaited <= told:
                told |= set((await signal_to(viewer)).sections)
    except TimeoutError:
        assert awaited <= told, f"never announced: {sorted(awaited - told)}"
    return told


@pytest.mark.parametrize("commit", COMMITS)
async def test_what_a_commit_changes_is_announced(
    commit: str, page: Page, clock: Clock, database_url: str, connection: asyncpg.Connection
) -> None:
    shown = await sections(page)
    viewer = page.parts.hub.subscribe(BotScope(1))
    await connection.execute(COMMITS[commit], clock.now())
    async with dashboard(database_url, followed=False, clock=clock) as another:
        true = await sections(another)
    changed = {name for name in shown if shown[name] != true[name]}
    assert changed, "the commit changes nothing that is shown"
    told = await announced(viewer, changed)
    assert not told & UNTOUCHED.get(commit, set())
    assert await sections(page) == true


async def test_a_change_while_its_table_is_read_for_the_first_time(page: Page, connection: asyncpg.Connection) -> None:
    """Until then nobody knew that the section depends on it."""
    hub, has_read, may_end = page.parts.hub, asyncio.Event(), asyncio.Event()

    async def load(context: Context) -> FaultsView:
        await context.connection.fetch("SELECT id FROM risk_adjustments")
        has_read.set()
        await may_end.wait()
        return FaultsView((), more=False)

    session = await page.parts.reader.session(BotScope(1))
    assert session is not None
    viewer, before = hub.subscribe(BotScope(1)), hub.versions.changes([1])
    section = replace(BY_NAME["faults"], load=load)
    loading = asyncio.create_task(page.parts.fragments.get([Variant.of(section, Scope(session, BotScope(1)), {})], 0))
    await has_read.wait()
    await insert(connection, "risk_adjustments", session_id=1)
    await until(lambda: hub.versions.changes([1]) != before)
    may_end.set()
    await loading
    await announced(viewer, {"faults"})


async def test_a_change_while_another_scope_is_read_first(page: Page, connection: asyncpg.Connection) -> None:
    """Whoever is done first knows the table; the other one read it before the change all the same."""
    hub, has_read, may_end = page.parts.hub, asyncio.Event(), asyncio.Event()

    async def load(context: Context) -> FaultsView:
        await context.connection.fetch("SELECT id FROM risk_adjustments")
        if context.scope.is_bot:
            has_read.set()
            await may_end.wait()
        return FaultsView((), more=False)

    section = replace(BY_NAME["faults"], load=load)

    async def show(key: ScopeKey) -> None:
        session = await page.parts.reader.session(key)
        assert session is not None
        await page.parts.fragments.get([Variant.of(section, Scope(session, key), {})], 0)

    loading = asyncio.create_task(show(BotScope(1)))
    await has_read.wait()
    viewer, before = hub.subscribe(BotScope(1)), hub.versions.changes([1])
    await insert(connection, "risk_adjustments", session_id=1)
    await until(lambda: hub.versions.changes([1]) != before)
    await show(SessionScope(1))
    may_end.set()
    await loading
    await announced(viewer, {"faults"})


async def test_a_change_before_its_table_is_read_first(page: Page, connection: asyncpg.Connection) -> None:
    """What a section is read from may depend on the rows, and another instance may have shown it meanwhile."""
    before, session = page.parts.hub.versions.changes([1]), await page.parts.reader.session(BotScope(1))
    assert session is not None

    async def show(*tables: str) -> None:
        async def load(context: Context) -> FaultsView:
            for table in tables:
                await context.connection.fetch(f"SELECT id FROM {table}")
            return FaultsView((), more=False)

        section = replace(BY_NAME["faults"], load=load)
        await page.parts.fragments.get([Variant.of(section, Scope(session, BotScope(1)), {})], math.inf)

    await show("system_events")
    await insert(connection, "risk_adjustments", session_id=1)
    await until(lambda: page.parts.hub.versions.changes([1]) != before)
    viewer = page.parts.hub.subscribe(BotScope(1))
    await show("system_events", "risk_adjustments")
    await announced(viewer, {"faults"})
