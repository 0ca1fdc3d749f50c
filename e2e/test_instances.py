"""Three instances behind nginx, in turn: no read misses what was committed before it began."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import asyncpg
import pytest

from e2e.nginx import PLAIN, free_ports, run_nginx
from monitoring.postgres.embedded import EmbeddedServer
from scripts.find_server import find_server
from tests.faults.replica import caught_up, standby_of
from tests.history import seed_account
from tests.missing import needed
from tests.rows import insert, now
from tests.running import run_dashboard
from tests.waiting import WAIT_SECONDS, until

INSTANCES = 3
READERS = 6
COMMIT_SECONDS = 0.25
BEHIND = "X-Dashboard-Behind"
PATHS = ("/partials?names=activity,realised", "/api/trades?limit=20", "/", "/partials/activity", "/trades")

pytestmark = [pytest.mark.audit, pytest.mark.timeout(300)]


@dataclass
class Instances:
    """Dashboards at ports of their own, each of which can be stopped and started again."""

    database_url: str
    ports: list[int]
    running: list[AsyncExitStack] = field(default_factory=list)

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    async def start(self, port: int) -> AsyncExitStack:
        stack = AsyncExitStack()
        await stack.enter_async_context(run_dashboard("--db-url", self.database_url, "--port", str(port)))
        return stack

    async def restart(self, number: int) -> None:
        await self.running[number].aclose()
        self.running[number] = await self.start(self.ports[number])


@asynccontextmanager
async def behind_nginx(database_url: str) -> AsyncIterator[tuple[Instances, str]]:
    """The instances, and the address at which nginx gives each request to the next one."""
    instances = Instances(database_url, free_ports(INSTANCES))
    program = needed("nginx", lambda: find_server("nginx"))
    try:
        for port in instances.ports:
            instances.running.append(await instances.start(port))
        first, *others = instances.urls
        async with run_nginx(program, first, {"plain": PLAIN}, *others) as nginx:
            yield instances, nginx.url("plain")
    finally:
        for stack in instances.running:
            await stack.aclose()


@dataclass
class Reads:
    """What was read, and how it compares with what had been committed when each read began."""

    committed: int = 0
    """The newest trade that every read has to hold which begins now."""
    read: int = 0
    marked: int = 0
    unmarked_in_a_row: int = 0
    missed: list[tuple[str, int, bool]] = field(default_factory=list)
    """Path, trade, and whether the answer was marked as behind."""

    async def once(self, client: aiohttp.ClientSession, path: str) -> None:
        expected = self.committed
        async with client.get(path) as answer:
            assert answer.status == 200
            body = await answer.read()
        self.read += 1
        self.marked += BEHIND in answer.headers
        self.unmarked_in_a_row = 0 if BEHIND in answer.headers else self.unmarked_in_a_row + 1
        # A slow answer may hold so many newer ones that this one is on the next page.
        found = re.findall(rb'"id":(\d+),' if path.startswith("/api/") else rb"/trades/(\d+)\?", body)
        if max(map(int, found), default=0) < expected:
            self.missed.append((path, expected, BEHIND in answer.headers))

    @property
    def unmarked(self) -> list[tuple[str, int, bool]]:
        """The misses that are not marked."""
        return [miss for miss in self.missed if not miss[2]]

    async def again_and_again(self, url: str, until: Callable[[], bool]) -> None:
        paths = itertools.cycle(PATHS)
        plain = {"Accept-Encoding": "identity"}  # half of the time would go into compression
        async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(WAIT_SECONDS), headers=plain) as client:
            while not until():
                await self.once(client, next(paths))

    async def by_several(self, url: str, until: Callable[[], bool]) -> None:
        await asyncio.gather(*(self.again_and_again(url, until) for _ in range(READERS)))


async def test_three_instances_in_turn_miss_nothing(connection: asyncpg.Connection, database_url: str) -> None:
    """Also while one after the other is stopped and started again."""
    session, wanted = await seed_account(connection), 10_000
    reads = Reads(await trade(connection, session))

    async def write() -> None:
        while True:
            reads.committed = await trade(connection, session)
            await asyncio.sleep(COMMIT_SECONDS)

    async with behind_nginx(database_url) as (instances, url):
        writing = asyncio.create_task(write())
        reading = asyncio.create_task(reads.by_several(url, lambda: reads.read >= wanted))
        for number in (*range(INSTANCES), *range(INSTANCES)):
            await instances.restart(number)
        await reading
        writing.cancel()
    assert reads.missed == []
    assert reads.read >= wanted


async def test_three_instances_on_a_standby_miss_nothing_unmarked(
    server: EmbeddedServer, connection: asyncpg.Connection, database_url: str
) -> None:
    session = await seed_account(connection)
    reads, done = Reads(await trade(connection, session)), False
    async with standby_of(server) as standby:
        url = standby.url(database_url.rpartition("/")[2].partition("?")[0])
        admin = await asyncpg.connect(url)
        async with behind_nginx(url) as (_instances, address):
            reading = asyncio.create_task(reads.by_several(address, lambda: done))
            for _ in range(20):
                newest = await trade(connection, session)
                await caught_up(server, standby)
                reads.committed = newest
                await asyncio.sleep(COMMIT_SECONDS)
            assert reads.unmarked == []
            await admin.execute("SELECT pg_wal_replay_pause()")
            newest = await trade(connection, session)
            await until(lambda: reads.marked > 0)
            reads.committed, so_far = newest, reads.read
            await until(lambda: reads.read > so_far + 20 * READERS)
            await admin.execute("SELECT pg_wal_replay_resume()")
            await caught_up(server, standby)
            reads.unmarked_in_a_row = 0
            await until(lambda: reads.unmarked_in_a_row > 20 * READERS)
            done = True
            await reading
            assert reads.missed
            assert reads.unmarked == []
            async with aiohttp.ClientSession(address) as client, client.get("/") as answer:
                assert BEHIND not in answer.headers
        await admin.close()


async def trade(connection: asyncpg.Connection, session: int) -> int:
    return await insert(connection, "trades", session_id=session, pnl=1, exit_time=now())
