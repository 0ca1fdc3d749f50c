import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import numpy as np
import pytest

from monitoring.demo import engine
from monitoring.demo.bot import Bot
from monitoring.demo.engine import TICK_SECONDS, Engine, start_bots, tick
from monitoring.demo.market import Market
from monitoring.demo.money import Holding, open_holding
from monitoring.demo.past import LIVE, PAPER, seed_history
from monitoring.demo.records import Row
from monitoring.demo.resume import NoSession, resume
from monitoring.demo.store import ManualTimer, Postgres, RealTimer
from monitoring.postgres.embedded import EmbeddedServer
from tests.demo.books import assert_books_add_up, untwinned_bookings
from tests.rows import insert, now
from tests.waiting import until

BOT = (LIVE.mode, LIVE.strategy)
CHAIN = "SELECT * FROM trading_sessions WHERE mode = 'LIVE' AND strategy_name = 'ml_sentiment' ORDER BY id DESC"
HELD = f"SELECT * FROM positions WHERE status = 'OPEN' AND session_id IN (SELECT id FROM ({CHAIN}) chain) ORDER BY id"
NEWEST_SNAPSHOT = "SELECT * FROM account_history WHERE session_id = $1 ORDER BY id DESC LIMIT 1"
BALANCE = "SELECT total_balance FROM account_balances WHERE session_id = $1 ORDER BY id DESC LIMIT 1"
TIMES = {
    "account_history": "timestamp",
    "account_balances": "last_updated",
    "strategy_executions": "timestamp",
    "positions": "last_update",
    "orders": "last_update",
    "trades": "exit_time",
    "system_events": "timestamp",
}


@pytest.fixture
async def seeded(connection: asyncpg.Connection) -> asyncpg.Connection:
    """A database with four days of history."""
    await seed_history(connection, now(), lambda done, what: None, days=4)
    return connection


@dataclass
class Life:
    """The demo's bots, moved by hand."""

    market: Market
    bots: list[Bot]
    timer: ManualTimer
    began: datetime

    @property
    def live(self) -> Bot:
        return self.bots[0]

    async def go_on(self, **interval: float) -> None:
        end = self.timer.at + timedelta(**interval)
        while self.timer.at < end:
            await tick(self.market, self.bots)
            await self.timer.sleep(TICK_SECONDS)

    def holding(self, side: str = "LONG") -> Holding:
        price = self.market.price("BTCUSD")
        balance = self.live.desk.balance
        return open_holding("BTCUSD", side, price, 0.2, balance, self.timer.now(), stop=0.01, target=0.02)

    async def opened(self, side: str = "LONG") -> Holding:
        asked = self.holding(side)
        await self.live.desk.enter(asked, asked.entry_price, self.decision())
        return self.live.desk.holdings[-1]

    def decision(self) -> Row:
        return {"timestamp": self.timer.now(), "strategy_name": LIVE.strategy, "symbol": "BTCUSD"}


async def alive(connection: asyncpg.Connection, speed: float = 1, seed: int = 5) -> Life:
    timer = ManualTimer(now())
    began = timer.at
    market, bots = await start_bots(connection, timer, np.random.default_rng(seed), speed)
    return Life(market, bots, timer, began)


@pytest.fixture
async def life(seeded: asyncpg.Connection) -> Life:
    return await alive(seeded)


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


async def test_a_clean_restart_is_a_new_session_with_the_same_positions(seeded: asyncpg.Connection) -> None:
    first = await alive(seeded)
    held = await first.opened()
    for bot in first.bots:
        await bot.desk.end()
    ended = (await seeded.fetchrow(CHAIN))["id"]
    second = await alive(seeded)
    chain = await seeded.fetch(CHAIN)
    assert (chain[1]["id"], chain[1]["is_active"], chain[1]["final_balance"]) == (ended, False, first.live.desk.balance)
    assert (chain[0]["end_time"], chain[0]["initial_balance"]) == (None, first.live.desk.balance)
    assert {row["session_id"] for row in await seeded.fetch(HELD)} == {chain[0]["id"]}
    assert [each.id for each in second.live.desk.holdings][-1] == held.id
    assert second.live.desk.holdings[-1] == held
    moved = await seeded.fetch("SELECT session_id FROM orders WHERE position_id = $1", held.id)
    assert {row["session_id"] for row in moved} == {chain[0]["id"]}


async def test_positions_follow_a_moment_after_their_new_session(seeded: asyncpg.Connection) -> None:
    first = await alive(seeded)
    await first.opened()
    await first.live.desk.end()
    seen: list[set[int]] = []

    class Watched(ManualTimer):
        async def sleep(self, seconds: float) -> None:
            seen.append({row["session_id"] for row in await seeded.fetch(HELD)})
            await super().sleep(seconds)

    desk = await resume(Postgres(seeded), Watched(now()), LIVE)
    assert seen == [{first.live.desk.info.id}]
    assert desk.info.id != first.live.desk.info.id


async def test_after_a_crash_the_same_session_goes_on(seeded: asyncpg.Connection) -> None:
    first = await alive(seeded)
    held = await first.opened("SHORT")
    await first.live.desk.take_part(held, held.entry_price - 100, Decimal("0.001"))
    order = await seeded.fetchval(
        "INSERT INTO orders (order_type, status, internal_order_id, symbol, side, quantity, strategy_name, session_id)"
        " VALUES ('ENTRY', 'PENDING_SUBMIT', 'x', 'BTCUSD', 'LONG', 1, 'ml_sentiment', $1) RETURNING id",
        first.live.desk.info.id,
    )
    sessions = await seeded.fetchval("SELECT count(*) FROM trading_sessions")
    second = await alive(seeded)
    assert await seeded.fetchval("SELECT count(*) FROM trading_sessions") == sessions
    assert second.live.desk.info.id == first.live.desk.info.id
    assert (second.live.desk.holdings[-1], second.live.desk.balance) == (held, first.live.desk.balance)
    assert await seeded.fetchval("SELECT status FROM orders WHERE id = $1", order) == "CANCELLED"


async def test_a_crash_between_session_and_positions_strands_nothing(seeded: asyncpg.Connection) -> None:
    first = await alive(seeded)
    held = await first.opened()
    await first.live.desk.end()

    class Dies(ManualTimer):
        async def sleep(self, seconds: float) -> None:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await resume(Postgres(seeded), Dies(now()), LIVE)
    second = await alive(seeded)
    assert second.live.desk.holdings[-1].id == held.id
    newest = (await seeded.fetchrow(CHAIN))["id"]
    assert {row["session_id"] for row in await seeded.fetch(HELD)} == {newest}


async def test_without_a_session_it_says_so(connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="PAPER")
    with pytest.raises(NoSession, match="no LIVE session of ml_sentiment"):
        await resume(Postgres(connection), ManualTimer(now()), LIVE)


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
