"""Figures are right in the end whatever met whatever: rows that come, scans, and pages that read meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import asyncpg
import pytest

from monitoring.changes import chunk_sums
from monitoring.database.source import Source
from tests.clocks import AN_AFTERNOON, ManualClock
from tests.projections.reading import Follower, follower_of, refreshed
from tests.projections.test_same_figures import assert_same
from tests.projections.world import INITIAL, World
from tests.rows import insert

DEEDS_BEFORE, DEEDS = 40, 60
READERS = 5


@pytest.fixture
async def readers(connection: asyncpg.Connection, database_url: str) -> AsyncIterator[list[asyncpg.Connection]]:
    opened = [await asyncpg.connect(database_url) for _ in range(READERS)]
    yield opened
    for reader in opened:
        await reader.close()


class Crowd:
    """Does what the feed, the scans and the pages do, all at once, until it is told to stop."""

    def __init__(self, world: World, follower: Follower, source: Source) -> None:
        self._world = world
        self._follower = follower
        self._source = source
        self._dice = random.Random(world.dice.random())
        self.stopped = False

    def over(self, connection: asyncpg.Connection) -> Source:
        return Source(connection, self._source.capabilities)

    async def again_and_again(self, deed: Callable[[], Awaitable[object]]) -> None:
        while not self.stopped:
            await deed()
            for _ in range(self._dice.randint(0, 5)):
                await asyncio.sleep(0)

    async def poll(self) -> None:
        self._follower.forget(*self._world.changed)
        self._world.changed.clear()
        await self._follower.poll(self._source.connection)


@pytest.mark.audit
@pytest.mark.parametrize("seed", range(300, 312))
async def test_everything_at_once(
    connection: asyncpg.Connection, readers: list[asyncpg.Connection], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_sums, "CHUNK_ROWS", 3)
    sessions = [
        await insert(connection, "trading_sessions", mode=mode, initial_balance=INITIAL, start_time=AN_AFTERNOON)
        for mode in ("LIVE", "PAPER")
    ]
    world = World(connection, *sessions, seed, ManualClock())
    await world.begin()
    for _ in range(DEEDS_BEFORE):
        await world.act()
    fed = await follower_of(connection, sessions[0], world.hands.clock)
    crowd = Crowd(world, fed, await fed.poll(readers[0]))
    async with asyncio.TaskGroup() as group:
        group.create_task(crowd.again_and_again(crowd.poll))
        for reader in readers[1:3]:
            group.create_task(crowd.again_and_again(partial(fed.advance, crowd.over(reader))))
        for reader in readers[3:]:
            group.create_task(crowd.again_and_again(partial(fed.read, crowd.over(reader))))
        for _ in range(DEEDS):
            await world.act()
        crowd.stopped = True
    fed.forget(*world.changed)
    await refreshed(connection, fed)
    fresh = await refreshed(connection, await follower_of(connection, sessions[0], world.hands.clock))
    assert_same(fed, fresh, world.now)
