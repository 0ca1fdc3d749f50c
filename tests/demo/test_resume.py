"""Restarts of the demo's engine: what a bot takes over from the one before."""

from decimal import Decimal

import asyncpg
import pytest

from monitoring.demo.past import LIVE
from monitoring.demo.resume import resume
from monitoring.demo.store import ManualTimer, Postgres
from tests.demo.life import CHAIN, HELD, alive
from tests.rows import insert, now


async def test_a_clean_restart_keeps_positions_in_a_new_session(seeded: asyncpg.Connection) -> None:
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


async def test_a_bot_without_sessions_begins_anew(connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="PAPER", strategy_name="another")
    life = await alive(connection)
    chain = await connection.fetch(CHAIN)
    assert [(row["end_time"], row["initial_balance"]) for row in chain] == [(None, LIVE.balance)]
    await life.go_on(minutes=5)
    assert life.live.desk.info.id == chain[0]["id"]
