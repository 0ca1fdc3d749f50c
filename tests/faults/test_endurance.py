"""Faults at random while engines write: nothing is missed, nothing dies, and in the end all figures are true."""

import asyncio
import os
import random
import time
from contextlib import suppress

import asyncpg
import psutil
import pytest

from monitoring.clock import Clock
from monitoring.database.errors import UNAVAILABLE
from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.bot import Bot
from tests.faults.deeds import FAULTS, Place
from tests.faults.page import dashboard
from tests.faults.reader import READER
from tests.faults.test_truth import assert_true
from tests.faults.wire import Wire
from tests.waiting import until

SECONDS = int(os.environ.get("ENDURANCE_SECONDS", "3600"))
"""How long the long form lasts."""
LONG = (pytest.mark.audit, pytest.mark.timeout(SECONDS + 600))
PAUSE_SECONDS = 0.3
"""Between two transactions of an engine: all together write some thousand rows a minute."""
MAX_GROWTH_BYTES = 100_000_000
LOST = (*UNAVAILABLE, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What an engine hears when its database fails."""


async def engine(url: str, session: int, clock: Clock, seed: int) -> None:
    """Writes for ever, over a new connection whenever the one it has is lost."""
    while True:
        with suppress(LOST):
            connection = await asyncpg.connect(url)
            try:
                await connection.execute("SET synchronous_commit = on")
                bot = Bot(connection, session, clock.now(), seed).correct_history()
                while True:
                    await bot.work(1)
                    await asyncio.sleep(PAUSE_SECONDS)
            finally:
                connection.terminate()
        await asyncio.sleep(PAUSE_SECONDS)


async def rage(place: Place, dice: random.Random, seconds: float, pause: float) -> None:
    """Brings about every fault once, and then any of them until the time is over."""
    end, kinds = time.monotonic() + seconds, list(FAULTS)
    dice.shuffle(kinds)
    while kinds or time.monotonic() < end:
        begin, heal = FAULTS[kinds.pop() if kinds else dice.choice(list(FAULTS))]
        await begin(place)
        try:
            await asyncio.sleep(dice.random() * min(pause, 10))
        finally:
            await heal(place)
        await asyncio.sleep(dice.random() * pause)


@pytest.mark.parametrize(
    ("seconds", "pause"),
    [pytest.param(0, 2, id="short"), pytest.param(SECONDS, 60, id="long", marks=LONG)],
)
async def test_random_faults(
    seconds: float,
    pause: float,
    account: int,
    wire: Wire,
    server: EmbeddedServer,
    database_url: str,
    stopped_clock: Clock,
) -> None:
    async with dashboard(wire.url(READER), clock=stopped_clock) as page, page.program() as told:
        await page.is_fresh()
        memory = psutil.Process().memory_info().rss
        engines = [asyncio.create_task(engine(database_url, account, stopped_clock, seed)) for seed in range(3)]
        await rage(Place(server, wire), random.Random(7), seconds, pause)
        assert not any(one.done() for one in engines)
        for one in engines:
            one.cancel()
        await asyncio.gather(*engines, return_exceptions=True)
        await page.is_fresh()
        await assert_true(page, database_url)
        connection = await asyncpg.connect(database_url)
        ids = {row["id"] for row in await connection.fetch("SELECT id FROM trades WHERE session_id = $1", account)}
        await connection.close()
        assert len(ids) > 40
        await until(lambda: ids - told <= set(range(1, 41)))
        states = page.parts.tasks.states.values()
        assert all(state.running and not state.failures for state in states), states
        assert psutil.Process().memory_info().rss - memory < MAX_GROWTH_BYTES
