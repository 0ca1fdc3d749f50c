import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from decimal import Decimal

import asyncpg
import numpy as np
import pytest

from monitoring.demo import engine
from monitoring.demo.desk import Desk
from monitoring.demo.engine import Pace, run_engine, utc_now
from monitoring.demo.history import seed_history
from monitoring.demo.market import Market
from monitoring.demo.money import Holding, open_holding
from monitoring.demo.records import Row
from monitoring.demo.resume import NoSession, resume
from monitoring.demo.trader import Trader
from monitoring.postgres.embedded import EmbeddedServer
from tests.rows import insert, now
from tests.waiting import until

QUICK = Pace().scaled(0.01)
GROWING = (
    "account_history",
    "positions",
    "trades",
    "orders",
    "account_balances",
    "system_events",
    "risk_adjustments",
    "dynamic_performance_metrics",
    "strategy_executions",
)
EXPECTED_BALANCE = """
SELECT initial_balance
       + (SELECT sum(pnl - commission - margin_interest_cost) FROM trades WHERE session_id = s.id) + 2500 - 11.37
       + coalesce((SELECT sum(t.pnl) FROM partial_trades t JOIN positions p ON p.id = t.position_id
                   WHERE p.session_id = s.id AND p.status = 'OPEN'), 0)
       - coalesce((SELECT sum(o.commission) FROM orders o JOIN positions p ON p.id = o.position_id
                   WHERE p.session_id = s.id AND p.status = 'OPEN'), 0)
FROM trading_sessions s WHERE mode = 'LIVE'
"""
BALANCE = "SELECT total_balance FROM account_balances WHERE session_id = 1 ORDER BY id DESC LIMIT 1"
STILL_OPEN = "SELECT count(*) FROM positions WHERE status = 'OPEN' AND id = ANY($1)"
RESUMED = "SELECT count(*) FROM system_events WHERE message LIKE 'Trading engine resumed the session after %offline'"
NEWEST_SNAPSHOT = "SELECT * FROM account_history WHERE session_id = 1 ORDER BY id DESC LIMIT 1"


@pytest.fixture
async def seeded(connection: asyncpg.Connection) -> asyncpg.Connection:
    """A database with three days of history."""
    await seed_history(connection, utc_now(), lambda done, what: None, days=3)
    return connection


@asynccontextmanager
async def running(url: str, pace: Pace = QUICK) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run_engine(url, pace=pace, generator=np.random.default_rng(5)))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def newest(connection: asyncpg.Connection) -> dict[str, int]:
    return {table: await connection.fetchval(f"SELECT max(id) FROM {table}") or 0 for table in GROWING}


async def test_it_writes_every_table_and_the_books_stay_right(seeded: asyncpg.Connection, database_url: str) -> None:
    before = await newest(seeded)
    held = await seeded.fetch("SELECT id, current_price, last_update FROM positions WHERE status = 'OPEN'")

    async def all_grew() -> bool:
        after = await newest(seeded)
        return all(after[table] > before[table] for table in GROWING)

    async def held_were_closed() -> bool:
        return not await seeded.fetchval(STILL_OPEN, [row["id"] for row in held])

    async with running(database_url):
        await until(all_grew)
        await until(held_were_closed)
    for row in held:
        assert await seeded.fetchval("SELECT last_update FROM positions WHERE id = $1", row["id"]) > row["last_update"]
    assert await seeded.fetchval(BALANCE) == await seeded.fetchval(EXPECTED_BALANCE)
    kinds = {row[0] for row in await seeded.fetch("SELECT order_type FROM orders WHERE id > $1", before["orders"])}
    assert {"ENTRY", "STOP_LOSS", "FULL_EXIT"} <= kinds
    trades = await seeded.fetch("SELECT * FROM trades WHERE id > $1", before["trades"])
    for trade in trades:
        assert (trade["source"], trade["session_id"]) == ("LIVE", 1)
        assert trade["commission"] > 0
        assert trade["stop_loss"] is not None


async def test_the_portfolio_is_renewed(seeded: asyncpg.Connection, database_url: str) -> None:
    began = utc_now()

    async def renewed() -> bool:
        return await seeded.fetchval("SELECT min(last_updated) FROM portfolio_exposures") > began

    async with running(database_url, Pace(portfolio=(0.05, 0.05))):
        await until(renewed)
    assert await seeded.fetchval("SELECT min(last_updated) FROM correlation_matrix") > began
    shown = await seeded.fetchval("SELECT sum(position_count) FROM portfolio_exposures")
    assert shown == await seeded.fetchval("SELECT count(*) FROM positions WHERE status = 'OPEN'")


async def test_it_survives_an_outage_of_the_database(
    seeded: asyncpg.Connection, server: EmbeddedServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "RETRY_SECONDS", 0.02)

    async def told_of(connection: asyncpg.Connection, code: str) -> bool:
        return bool(await connection.fetchval("SELECT count(*) FROM system_events WHERE error_code = $1", code))

    async def trades(connection: asyncpg.Connection) -> int:
        return int(await connection.fetchval("SELECT count(*) FROM trades"))

    before = await trades(seeded)
    async with running(database_url):
        await until(lambda: _more(trades(seeded), before))
        await asyncio.to_thread(server.stop_database)
        await asyncio.to_thread(server.start_database)
        again = await asyncpg.connect(database_url)
        await until(lambda: told_of(again, "DB_RECONNECT"))
        after = await trades(again)
        await until(lambda: _more(trades(again), after))
    assert await again.fetchval(BALANCE) == await again.fetchval(EXPECTED_BALANCE)
    await again.close()


async def _more(count: Awaitable[int], than: int) -> bool:
    return await count > than


async def test_it_goes_on_with_the_session_it_finds(seeded: asyncpg.Connection, database_url: str) -> None:
    async def resumed() -> bool:
        return await seeded.fetchval(RESUMED) == 1

    sessions = await seeded.fetchval("SELECT count(*) FROM trading_sessions")
    assert not await resumed()
    async with running(database_url):
        await until(resumed)
    assert await seeded.fetchval("SELECT count(*) FROM trading_sessions") == sessions


async def test_without_a_running_session_it_says_so(connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="PAPER")
    with pytest.raises(NoSession, match="no running LIVE session"):
        await resume(connection, utc_now)


class Hand:
    """One desk and one trader, moved by hand."""

    def __init__(self, desk: Desk, seed: int = 5) -> None:
        self.desk = desk
        self.market = Market(desk.prices, np.random.default_rng(seed))
        self.trader = Trader(desk, self.market, np.random.default_rng(seed))

    def holding(self, side: str = "LONG", size: float = 0.2) -> Holding:
        price = self.market.price("BTCUSD")
        return open_holding("BTCUSD", side, price, size, self.desk.balance, utc_now(), stop=0.01, target=0.02)

    async def opened(self, side: str = "LONG") -> Holding:
        holding = self.holding(side)
        await self.desk.open(holding, await self.desk.submit(holding), self.decision())
        return holding

    def decision(self) -> Row:
        return {"timestamp": utc_now(), "strategy_name": "ml_sentiment", "symbol": "BTCUSD", "session_id": 1}


@pytest.fixture
async def hand(seeded: asyncpg.Connection) -> Hand:
    return Hand(await resume(seeded, utc_now))


async def test_a_restart_finds_a_position_as_it_was_left(hand: Hand, seeded: asyncpg.Connection) -> None:
    holding = await hand.opened("SHORT")
    price = holding.entry_price - 100
    await hand.desk.take_part(holding, price, Decimal("0.001"))
    await hand.desk.mark(hand.trader.prices | {"BTCUSD": price})
    found = await resume(seeded, utc_now)
    assert found.holdings[-1] == holding
    assert (found.balance, found.realized) == (hand.desk.balance, hand.desk.realized)
    assert found.peak == hand.desk.peak


async def test_closing_writes_trade_position_orders_and_balance_together(
    hand: Hand, seeded: asyncpg.Connection
) -> None:
    holding = await hand.opened()
    before = await seeded.fetchval(BALANCE)
    closing = await hand.desk.close(holding, holding.entry_price + 50, "Take profit", hand.decision())
    trade = await seeded.fetchrow("SELECT * FROM trades WHERE position_id = $1", holding.id)
    assert trade["pnl"] == 50 * holding.quantity
    assert trade["commission"] == closing.fees > holding.fees
    orders = await seeded.fetch("SELECT order_type, status FROM orders WHERE position_id = $1", holding.id)
    assert sorted(map(tuple, orders)) == [
        ("ENTRY", "FILLED"),
        ("FULL_EXIT", "FILLED"),
        ("STOP_LOSS", "CANCELLED"),
    ]
    assert await seeded.fetchval("SELECT status FROM positions WHERE id = $1", holding.id) == "CLOSED"
    assert await seeded.fetchval(BALANCE) - before == closing.booked
    audit = await seeded.fetchrow(NEWEST_SNAPSHOT)
    assert (audit["equity"], audit["daily_pnl"]) == (audit["balance"], closing.booked)
    assert audit["total_pnl"] == audit["open_positions"] == audit["total_exposure"] == 0


async def test_a_stop_fills_the_resting_order(hand: Hand, seeded: asyncpg.Connection) -> None:
    holding = await hand.opened()
    await hand.desk.close(holding, holding.stop, "Stop loss", hand.decision())
    stop = await seeded.fetchrow("SELECT * FROM orders WHERE position_id = $1 AND order_type = 'STOP_LOSS'", holding.id)
    assert (stop["status"], stop["filled_price"], stop["filled_quantity"]) == ("FILLED", holding.stop, holding.left)
    assert stop["filled_at"] is not None
    assert stop["cancelled_at"] is None


async def test_a_failed_change_leaves_no_trace(hand: Hand, seeded: asyncpg.Connection) -> None:
    holding = await hand.opened()
    trades = await seeded.fetchval("SELECT count(*) FROM trades")
    with pytest.raises(asyncpg.NotNullViolationError):
        await hand.desk.close(holding, holding.stop, "Stop loss", hand.decision() | {"symbol": None})
    assert await seeded.fetchval("SELECT count(*) FROM trades") == trades
    assert await seeded.fetchval("SELECT status FROM positions WHERE id = $1", holding.id) == "OPEN"


async def test_a_snapshot_holds_what_the_account_is_worth(hand: Hand, seeded: asyncpg.Connection) -> None:
    await hand.trader.tick()
    await hand.trader.snapshot()
    row = await seeded.fetchrow(NEWEST_SNAPSHOT)
    unrealized = await seeded.fetchval("SELECT sum(unrealized_pnl) FROM positions WHERE status = 'OPEN'")
    assert row["equity"] - row["balance"] == unrealized != 0
    assert row["open_positions"] == len(hand.desk.holdings) > 0
    assert row["total_pnl"] == await seeded.fetchval(
        "SELECT sum(pnl - commission - margin_interest_cost) FROM trades WHERE session_id = 1"
    )
    assert row["margin_used"] + row["margin_available"] == row["balance"]


async def test_an_operators_adjustment_is_taken_over(hand: Hand, seeded: asyncpg.Connection) -> None:
    await insert(seeded, "account_balances", session_id=1, total_balance=99_000, last_updated=now())
    await hand.trader.snapshot()
    assert (await seeded.fetchrow(NEWEST_SNAPSHOT))["balance"] == 99_000
    holding = await hand.opened()
    assert await seeded.fetchval(BALANCE) == 99_000 - holding.fees


async def test_a_halted_engine_sends_no_orders(hand: Hand, seeded: asyncpg.Connection) -> None:
    for holding in tuple(hand.desk.holdings):
        await hand.desk.close(holding, holding.entry_price, "Signal reversal", hand.decision())
    orders = await seeded.fetchval("SELECT count(*) FROM orders")
    await seeded.execute("UPDATE system_control_flags SET active = true")
    await hand.trader.enter()
    assert await seeded.fetchval("SELECT count(*) FROM orders") == orders
    await seeded.execute("UPDATE system_control_flags SET active = false")
    await hand.trader.enter()
    assert await seeded.fetchval("SELECT status FROM orders ORDER BY id DESC LIMIT 1") == "PENDING_SUBMIT"


async def test_an_abandoned_entry_order_is_cancelled_at_the_next_start(hand: Hand, seeded: asyncpg.Connection) -> None:
    order = await hand.desk.submit(hand.holding())
    await resume(seeded, utc_now)
    assert await seeded.fetchval("SELECT status FROM orders WHERE id = $1", order) == "CANCELLED"


async def test_a_new_day_starts_its_own_result(hand: Hand, seeded: asyncpg.Connection) -> None:
    hand.desk.clock = lambda: utc_now() + timedelta(days=1)
    hand.desk.day_start -= 100
    await hand.trader.snapshot()
    assert (await seeded.fetchrow(NEWEST_SNAPSHOT))["daily_pnl"] == 0
