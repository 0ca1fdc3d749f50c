"""Figures are the same however they came about: fed row by row, read at once, or computed the plain way."""

from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import numpy as np
import pytest

from monitoring.changes import chunk_sums
from monitoring.metrics import trades
from monitoring.metrics.facts import TradeSums
from monitoring.metrics.value import Unknown
from monitoring.projections.snapshots import SnapshotReader
from monitoring.projections.times import EPOCH
from monitoring.projections.trade_filter import SORTS, TradeFilter
from tests.clocks import AN_AFTERNOON, ManualClock
from tests.projections import naive
from tests.projections.reading import Follower, follower_of, refreshed
from tests.projections.test_figures import snapshot
from tests.projections.world import INITIAL, World
from tests.rows import insert

DEEDS = 60
LOOK_EVERY = 4


@pytest.fixture
async def other(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", mode="PAPER", initial_balance=7, start_time=AN_AFTERNOON)


def assert_same(fed: Follower, fresh: Follower, now: datetime) -> None:
    assert fed.trades.sums(now) == fresh.trades.sums(now)
    assert fed.trades.days == fresh.trades.days
    for sort in SORTS:
        wanted = TradeFilter(sort=sort, limit=7, offset=2)
        assert fed.trades.select(wanted) == fresh.trades.select(wanted)
    assert fed.flows == fresh.flows
    for name in ("last_id", "last_snapshot_id", "exact"):
        assert getattr(fed.history, name) == getattr(fresh.history, name), name
    assert fed.history.drawdown() == fresh.history.drawdown()
    one, two = fed.history.daily(), fresh.history.daily()
    assert (one and one.dates) == (two and two.dates)
    if one and two:
        np.testing.assert_array_equal([one.equity, one.index], [two.equity, two.index])
    np.testing.assert_array_equal(fed.history.curve(EPOCH), fresh.history.curve(EPOCH))


def assert_plain(follower: Follower, plain: naive.Figures, now: datetime) -> None:
    sums = follower.trades.sums(now)
    assert sums is not None
    assert_windows(sums, plain, now)
    wins, losses = [net for net in plain.net if net > 0], [net for net in plain.net if net < 0]
    assert (sums.total, sums.unknown, sums.net) == (len(plain.net) + plain.unknown, plain.unknown, sum(plain.net))
    assert (sums.wins, sums.losses, sums.net_wins, sums.net_losses) == (len(wins), len(losses), sum(wins), sum(losses))
    assert follower.trades.select(TradeFilter(sort="+pnl", limit=5))[: len(plain.worst)] == plain.worst[:5]
    assert follower.trades.select(TradeFilter(sort="pnl", outcome="win", limit=5)) == plain.best[: len(wins)][:5]
    if plain.net and not plain.unknown:
        assert trades.win_rate(sums) == pytest.approx(100 * len(wins) / len(plain.net))
        assert trades.expectancy(sums) == pytest.approx(sum(plain.net) / len(plain.net))
    if losses and not plain.unknown:
        assert trades.profit_factor(sums) == pytest.approx(float(sum(wins, Decimal(0)) / -sum(losses)))
    else:
        with pytest.raises(Unknown):
            trades.profit_factor(sums)
    daily, drawdown = follower.history.daily(), follower.history.drawdown()
    if not plain.closes:
        assert daily is None
        return
    assert daily is not None
    shown = {day: (equity, index) for day, equity, index in zip(*daily_columns(daily), strict=True)}
    for day, (equity, index) in plain.closes.items():
        assert shown[day] == (pytest.approx(equity), pytest.approx(index, nan_ok=True)), day
    if drawdown is not None:
        assert (drawdown.current, drawdown.maximum) == (
            pytest.approx(plain.current, abs=1e-9), pytest.approx(plain.maximum, abs=1e-9))  # fmt: skip


def assert_windows(sums: TradeSums, plain: naive.Figures, now: datetime) -> None:
    """Of today and of the last seven days, by the clock."""
    past = [(at, net) for at, net in plain.closed if at <= now + timedelta(minutes=1)]
    today = [net for at, net in past if at.date() == now.date()]
    week = [net for at, net in past if at > now - timedelta(days=7)]
    for nets, shown in (
        (today, (sums.today, sums.today_count, sums.today_unknown)),
        (week, (sums.week, sums.week_count, sums.week_unknown)),
    ):
        known = [net for net in nets if not net.is_nan()]
        assert shown == (sum(known), len(nets), len(nets) - len(known))


def daily_columns(daily: object) -> tuple[object, ...]:
    return daily.dates, daily.equity, daily.index  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(6))
async def test_after_any_sequence_of_rows(connection: asyncpg.Connection, session: int, other: int, seed: int) -> None:
    world = World(connection, session, other, seed, ManualClock())
    await world.begin()
    fed = await follower_of(connection, session, world.hands.clock)
    for number in range(DEEDS):
        await world.act()
        if number % LOOK_EVERY == 0:
            await look(world, fed)


@pytest.mark.parametrize("seed", range(100, 104))
async def test_while_much_is_still_being_read(
    connection: asyncpg.Connection, session: int, other: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few ids at a time."""
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", 3)
    world = World(connection, session, other, seed, ManualClock())
    await world.begin()
    fed = await follower_of(connection, session, world.hands.clock)
    for number in range(DEEDS):
        await world.act()
        for _ in range(world.dice.randint(0, 3)):
            await fed.advance(await fed.poll(connection))
        if number % (3 * LOOK_EVERY) == 0:
            await look(world, fed)


async def look(world: World, fed: Follower) -> None:
    fed.forget(*world.changed)
    world.changed.clear()
    await refreshed(world.connection, fed)
    fresh = await follower_of(world.connection, world.session, world.hands.clock)
    await refreshed(world.connection, fresh)
    plain = await naive.figures(world.connection, world.session, INITIAL)
    assert_same(fed, fresh, world.now)
    if not world.owed:
        assert_plain(fed, plain, world.now)


async def test_figures_follow_while_nothing_but_time_goes_on(
    connection: asyncpg.Connection, session: int, other: int
) -> None:
    """Over midnight, and until the last trade is older than a week: no row comes that would have them read again."""
    world = World(connection, session, other, 7, ManualClock())
    fed = await follower_of(connection, session, world.hands.clock)
    for hours in range(0, 24 * 9, 5):
        world.hands.now = AN_AFTERNOON + timedelta(hours=hours)
        await world.trade()
    plain = await naive.figures(connection, session, INITIAL)
    seen = set()
    for _ in range(24 * 9):
        await refreshed(connection, fed)
        assert_plain(fed, plain, world.now)
        seen.add((fed.trades.sums(world.now).today_count, fed.trades.sums(world.now).week_count))
        world.hands.forward(hours=1)
    assert len(seen) > 20
    assert (0, 0) in seen


async def test_a_row_that_comes_while_reading_costs_no_more(
    connection: asyncpg.Connection, session: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history of years is not read a second time, day by day, since the engine goes on writing."""
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", 3)
    for day in range(9):
        at = AN_AFTERNOON - timedelta(days=9 - day)
        await insert(connection, "account_history", **snapshot(session, at, 100.0 + day))
    fed = await follower_of(connection, session, ManualClock().clock)
    await fed.advance(await fed.poll(connection))
    await insert(connection, "account_history", **snapshot(session, AN_AFTERNOON, 90.0))

    async def read_again(*_: object) -> None:
        raise AssertionError("a day is read a second time")

    monkeypatch.setattr(SnapshotReader, "between", read_again)
    daily = (await refreshed(connection, fed)).history.daily()
    assert daily is not None
    assert list(daily.equity) == [100, 101, 102, 103, 104, 105, 106, 107, 108, 90]
