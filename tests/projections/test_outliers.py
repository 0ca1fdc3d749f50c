"""One snapshot of nothing among good ones is none, unless the account really held nothing."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from monitoring.projections import ScopeState
from tests.clocks import AN_AFTERNOON, standing_at
from tests.projections.reading import follower_of, refreshed
from tests.projections.test_figures import snapshot
from tests.rows import insert

CLOCK = standing_at(AN_AFTERNOON)
BROKEN_AT = AN_AFTERNOON.replace(hour=0, minute=0, second=0) - timedelta(seconds=1)


async def state(connection: asyncpg.Connection, session: int) -> ScopeState:
    return (await refreshed(connection, await follower_of(connection, session, CLOCK))).state


async def history(connection: asyncpg.Connection, session: int, broken: float, minutes: float = 30.0) -> None:
    """1,000, then ``broken`` in the last second of a day, then 1,010; by so many minutes apart."""
    for at, equity in ((-minutes, 1000.0), (0, broken), (minutes, 1010.0)):
        at = BROKEN_AT + timedelta(minutes=at)
        await insert(connection, "account_history", **snapshot(session, at, equity))


def shown(found: ScopeState) -> tuple[float, list[float]]:
    """The deepest decline, and the closes."""
    drawdown, daily = found.history.drawdown(), found.history.daily()
    assert drawdown is not None
    assert daily is not None
    return drawdown.maximum, list(daily.equity)


@pytest.mark.parametrize("broken", [0.0, -400.0])
async def test_a_moment_of_nothing_is_left_out(connection: asyncpg.Connection, session: int, broken: float) -> None:
    await history(connection, session, broken)
    assert shown(await state(connection, session)) == (0, [1000, 1010])


@pytest.mark.parametrize(("broken", "minutes"), [(-501.0, 30.0), (0.0, 121.0), (0.01, 30.0)])
async def test_other_outliers_stay(connection: asyncpg.Connection, session: int, broken: float, minutes: float) -> None:
    await history(connection, session, broken, minutes)
    assert shown(await state(connection, session))[0] > 99


async def test_the_newest_snapshot_counts_until_another_follows(connection: asyncpg.Connection, session: int) -> None:
    for minutes, equity in ((60, 1000.0), (30, 0.0)):
        at = AN_AFTERNOON - timedelta(minutes=minutes)
        await insert(connection, "account_history", **snapshot(session, at, equity))
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    assert shown(follower.state) == (100, [0])
    await insert(connection, "account_history", **snapshot(session, AN_AFTERNOON, 1020.0))
    assert shown((await refreshed(connection, follower)).state) == (0, [1020])


@pytest.mark.parametrize("first", ["booking", "snapshots"])
async def test_a_booked_balance_of_nothing_is_true(connection: asyncpg.Connection, session: int, first: str) -> None:
    """Everything was taken out, and came back half an hour later."""

    async def book(at: datetime) -> None:
        await insert(connection, "account_balances", session_id=session, total_balance=0, last_updated=at)

    if first == "booking":
        await book(BROKEN_AT - timedelta(minutes=1))
    await history(connection, session, 0.0)
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    if first == "snapshots":
        assert shown(follower.state)[1] == [1000, 1010]
        await book(BROKEN_AT - timedelta(minutes=1))
        await refreshed(connection, follower)
    assert shown(follower.state)[1] == [0, 1010]
