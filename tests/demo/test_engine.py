"""How the demo's bots trade, and how they survive their database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import asyncpg
import numpy as np
import pytest

from monitoring.demo import engine
from monitoring.demo.engine import Engine
from monitoring.demo.past import LIVE, PAPER
from monitoring.demo.store import RealTimer
from monitoring.postgres.embedded import EmbeddedServer
from tests.demo.books import assert_books_add_up, untwinned_bookings
from tests.demo.life import BALANCE, HELD, NEWEST_SNAPSHOT, Life, alive
from tests.rows import insert, now
from tests.waiting import until

BOT = (LIVE.mode, LIVE.strategy)
TIMES = {
    "account_history": "timestamp",
    "account_balances": "last_updated",
    "strategy_executions": "timestamp",
    "positions": "last_update",
    "orders": "last_update",
    "trades": "exit_time",
    "system_events": "timestamp",
}


async def test_an_hour_is_quiet_but_prices_move(life: Life, seeded: asyncpg.Connection) -> None:
    trades = await seeded.fetchval("SELECT count(*) FROM trades")
    await life.go_on(seconds=30)
    first = await seeded.fetch(HELD)
    assert 1 <= len(first) <= 3
    await life.go_on(seconds=9)
    assert [row["current_price"] for row in await seeded.fetch(HELD)] != [row["current_price"] for row in first]
    await life.go_on(minutes=60)
    assert await seeded.fetchval("SELECT count(*) FROM trades") - trades <= 3
    for table, column in TIMES.items():
        assert await seeded.fetchval(f"SELECT max({column}) FROM {table}") <= life.timer.at, table
    times = "SELECT timestamp FROM account_history WHERE session_id = $1 AND timestamp >= $2 AND total_exposure > 0"
    snapshots = await seeded.fetch(times, life.live.desk.info.id, life.began)
    assert len(snapshots) == 3
    equity = await seeded.fetchrow(NEWEST_SNAPSHOT, life.live.desk.info.id)
    assert abs(equity["equity"] / equity["balance"] - 1) < Decimal("0.05")


async def test_a_week_holds_one_to_eight_trades_a_day(seeded: asyncpg.Connection) -> None:
    speed = 24 * 7
    life = await alive(seeded, speed)
    await life.go_on(hours=1)
    rows = await seeded.fetch(
        "SELECT * FROM trades WHERE session_id = $1 AND exit_time >= $2", life.live.desk.info.id, life.began
    )
    days = Counter(int((row["exit_time"] - life.began) / timedelta(hours=1) * 7) for row in rows)
    assert 1 <= min(days[day] for day in range(7)) <= max(days.values()) <= 8
    for row in rows:
        if row["entry_time"] >= life.began:
            assert (row["exit_time"] - row["entry_time"]) * speed > timedelta(minutes=20)
        assert Decimal("0.05") < row["size"] < Decimal("0.4")
    for bot in life.bots:
        await assert_books_add_up(seeded, bot.style.mode, bot.style.strategy)
    booked, untwinned = await untwinned_bookings(seeded)
    assert booked > 60
    assert untwinned == 0
    balance = await seeded.fetchval(BALANCE, life.live.desk.info.id)
    assert 0.8 < balance / life.live.desk.info.balance < 1.25


async def test_closing_writes_trade_position_orders_and_balance(life: Life, seeded: asyncpg.Connection) -> None:
    holding = await life.opened()
    session = life.live.desk.info.id
    before = await seeded.fetchval(BALANCE, session)
    await life.live.desk.leave(holding, holding.entry_price + 50, "Take profit", life.decision())
    trade = await seeded.fetchrow("SELECT * FROM trades WHERE position_id = $1", holding.id)
    assert trade["pnl"] == 50 * holding.quantity
    orders = await seeded.fetch("SELECT order_type, status FROM orders WHERE position_id = $1", holding.id)
    assert sorted(map(tuple, orders)) == [
        ("ENTRY", "FILLED"),
        ("FULL_EXIT", "FILLED"),
        ("STOP_LOSS", "CANCELLED"),
    ]
    assert await seeded.fetchval("SELECT status FROM positions WHERE id = $1", holding.id) == "CLOSED"
    booked = trade["pnl"] - trade["commission"] + holding.fees
    assert await seeded.fetchval(BALANCE, session) - before == booked
    audit = await seeded.fetchrow(NEWEST_SNAPSHOT, session)
    assert (audit["equity"], audit["daily_pnl"]) == (audit["balance"], booked)
    assert audit["total_pnl"] == audit["open_positions"] == audit["total_exposure"] == 0


async def test_a_slow_write_does_not_part_a_booking_from_its_twin(seeded: asyncpg.Connection) -> None:
    await seeded.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END'"
    )
    await seeded.execute("CREATE TRIGGER slow BEFORE INSERT ON account_balances FOR EACH ROW EXECUTE FUNCTION slow()")
    life = await alive(seeded)
    before = await untwinned_bookings(seeded)
    life.live.desk.timer = RealTimer()
    await life.opened()
    assert await untwinned_bookings(seeded) == (before[0] + 1, 0)


async def test_a_stop_that_is_hit_fills_the_order_that_rests(life: Life, seeded: asyncpg.Connection) -> None:
    holding = await life.opened()
    await life.live.desk.trail(holding, holding.entry_price - 1)
    await life.live.desk.leave(holding, holding.stop, "Stop loss", life.decision())
    orders = await seeded.fetch(
        "SELECT * FROM orders WHERE position_id = $1 AND order_type = 'STOP_LOSS' ORDER BY id", holding.id
    )
    assert [row["status"] for row in orders] == ["CANCELLED", "FILLED"]
    assert (orders[1]["filled_price"], orders[1]["filled_quantity"]) == (holding.stop, holding.left)
    assert orders[0]["price"] < orders[1]["price"]


async def test_a_failed_change_leaves_no_trace(life: Life, seeded: asyncpg.Connection) -> None:
    holding = await life.opened()
    trades = await seeded.fetchval("SELECT count(*) FROM trades")
    with pytest.raises(asyncpg.NotNullViolationError):
        await life.live.desk.leave(holding, holding.stop, "Stop loss", life.decision() | {"symbol": None})
    assert await seeded.fetchval("SELECT count(*) FROM trades") == trades
    assert await seeded.fetchval("SELECT status FROM positions WHERE id = $1", holding.id) == "OPEN"


async def test_an_operators_adjustment_is_taken_over(life: Life, seeded: asyncpg.Connection) -> None:
    session = life.live.desk.info.id
    await insert(seeded, "account_balances", session_id=session, total_balance=99_000, last_updated=now())
    await life.live.desk.snapshot({symbol: life.market.price(symbol) for symbol in LIVE.symbols})
    assert (await seeded.fetchrow(NEWEST_SNAPSHOT, session))["balance"] == 99_000
    holding = await life.opened()
    assert await seeded.fetchval(BALANCE, session) == 99_000 - holding.fees


async def test_a_halted_bot_opens_nothing(seeded: asyncpg.Connection) -> None:
    life = await alive(seeded, speed=500)
    await seeded.execute("UPDATE system_control_flags SET active = true")
    entries = "SELECT count(*) FROM orders WHERE order_type = 'ENTRY'"
    before = await seeded.fetchval(entries)
    await life.go_on(minutes=5)
    assert await seeded.fetchval(entries) == before
    await seeded.execute("UPDATE system_control_flags SET active = false")
    await life.go_on(minutes=5)
    assert await seeded.fetchval(entries) > before


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Engine]:
    demo = Engine(url, 1_000, generator=np.random.default_rng(5))
    task = asyncio.create_task(demo.run())
    try:
        yield demo
    finally:
        demo.stop()
        await task


async def test_it_survives_an_outage_and_stops_cleanly(
    seeded: asyncpg.Connection, server: EmbeddedServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(engine, "TICK_SECONDS", 0.02)

    async def more(connection: asyncpg.Connection, query: str) -> None:
        before = await connection.fetchval(query)

        async def grown() -> bool:
            return bool(await connection.fetchval(query) > before)

        await until(grown)

    async with running(database_url):
        await more(seeded, "SELECT count(*) FROM strategy_executions")
        await asyncio.to_thread(server.stop_database)
        await asyncio.to_thread(server.start_database)
        again = await asyncpg.connect(database_url)
        told = "SELECT count(*) > 0 FROM system_events WHERE error_code = 'DB_RECONNECT'"

        async def was_told() -> bool:
            return bool(await again.fetchval(told))

        await until(was_told)
        await more(again, "SELECT count(*) FROM strategy_executions")
    assert await again.fetchval("SELECT count(*) FROM trading_sessions WHERE is_active") == 0
    await assert_books_add_up(again, *BOT)
    await assert_books_add_up(again, PAPER.mode, PAPER.strategy)
    await again.close()
