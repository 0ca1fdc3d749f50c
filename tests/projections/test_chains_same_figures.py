"""A bot of several sessions has the figures that one session with all their rows would have."""

import random
from dataclasses import replace

import asyncpg
import numpy as np
import pytest

from monitoring.projections import ScopeState
from monitoring.projections.days import STEP_SECONDS
from monitoring.projections.timeline import BALANCE, DEPTH, EQUITY, INDEX, TIME
from monitoring.projections.times import EPOCH
from monitoring.projections.trade_filter import SORTS, TradeFilter
from monitoring.scope import read_sessions
from tests.clocks import AN_AFTERNOON, ManualClock
from tests.projections.reading import follower_of, refreshed
from tests.projections.world import INITIAL, World
from tests.rows import insert

DEEDS = 60
SHOWN = [TIME, EQUITY, BALANCE, INDEX, DEPTH]
TIMES = {"account_history": "timestamp", "trades": "exit_time"}


@pytest.fixture
async def sessions(connection: asyncpg.Connection) -> list[int]:
    return [
        await insert(connection, "trading_sessions", mode="LIVE", initial_balance=INITIAL, start_time=AN_AFTERNOON)
        for _ in range(3)
    ]


async def share_out(connection: asyncpg.Connection, sessions: list[int], dice: random.Random, stray: float) -> None:
    """The rows of the first session to all, in order of time; some ``stray`` into another one."""
    for table, column in TIMES.items():
        rows = await connection.fetch(
            f"SELECT id FROM {table} WHERE session_id = $1 ORDER BY {column}, id", sessions[0]
        )
        for place, row in enumerate(rows):
            session = sessions[len(sessions) * place // len(rows)]
            wanted = dice.choice(sessions) if dice.random() < stray else session
            await connection.execute(f"UPDATE {table} SET session_id = $1 WHERE id = $2", wanted, row["id"])


async def state_of(connection: asyncpg.Connection, sessions: list[int], hands: ManualClock) -> ScopeState:
    follower = await refreshed(connection, await follower_of(connection, sessions[0], hands.clock))
    source = await follower.poll(connection)
    found = {session.id: session for session in await read_sessions(connection, source.capabilities)}
    bot = replace(found[sessions[0]], ids=tuple(sessions))
    return await follower.projections.state(source, bot, hands.now)


@pytest.mark.parametrize("stray", [0.0, 0.2], ids=["in turn", "overlapping"])
@pytest.mark.parametrize("seed", range(200, 205))
async def test_cut_at_random(connection: asyncpg.Connection, sessions: list[int], seed: int, stray: float) -> None:
    other = await insert(connection, "trading_sessions", mode="PAPER", initial_balance=7, start_time=AN_AFTERNOON)
    world = World(connection, sessions[0], other, seed, ManualClock())
    await world.begin()
    for _ in range(DEEDS):
        await world.act()
    # In another session than its twin a booking is a snapshot.
    await connection.execute("DELETE FROM account_history WHERE total_pnl = 0")
    whole = await state_of(connection, sessions[:1], world.hands)
    await share_out(connection, sessions, world.dice, stray)
    parts = await state_of(connection, sessions, world.hands)

    assert parts.trades.sums(world.now) == whole.trades.sums(world.now)
    assert parts.trades.days == whole.trades.days
    for sort in SORTS:
        wanted = TradeFilter(sort=sort, limit=7, offset=2)
        assert parts.trades.select(wanted) == whole.trades.select(wanted)
    assert_same_history(parts, whole)


def assert_same_history(parts: ScopeState, whole: ScopeState) -> None:
    for name in ("last_id", "last_snapshot_id", "exact"):
        assert getattr(parts.history, name) == getattr(whole.history, name), name
    one, two = parts.history.daily(), whole.history.daily()
    assert one is not None
    assert two is not None
    assert one.dates == two.dates
    np.testing.assert_allclose([one.equity, one.index], [two.equity, two.index])
    shown, true = parts.history.drawdown(), whole.history.drawdown()
    assert shown is not None
    assert true is not None
    assert (shown.current, shown.maximum) == (pytest.approx(true.current), pytest.approx(true.maximum))
    of_parts, of_whole = ({row[TIME]: row[SHOWN] for row in state.history.curve(EPOCH)} for state in (parts, whole))
    for at in last_of_each_ten_minutes(whole.history.curve(EPOCH)):
        np.testing.assert_allclose(of_parts[at], of_whole[at])
    deepest = [float(np.nanmax(state.history.curve(EPOCH)[:, DEPTH])) for state in (parts, whole)]
    assert deepest[0] == pytest.approx(deepest[1])


def last_of_each_ten_minutes(curve: np.ndarray) -> set[float]:
    """Times: where one session ends and another begins, more is kept of ten minutes."""
    steps = curve[:, TIME] // STEP_SECONDS
    return set(curve[np.diff(steps, append=np.inf) != 0, TIME])
