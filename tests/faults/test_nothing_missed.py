"""Thousands of changes while connections are killed at random on every link: in the end every client has them all."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg

from monitoring.app import asgi, create_app
from monitoring.clock import Clock
from monitoring.config import load_settings
from monitoring.services import KEY, Services
from tests.faults.clients import Fragments, Program, events, socket
from tests.faults.page import ENVIRON, dashboard
from tests.faults.reader import READER
from tests.faults.test_truth import writers
from tests.faults.wire import Wire, wire_to
from tests.serving import served
from tests.waiting import until

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'atb-monitoring' ORDER BY random() LIMIT 1
"""


@asynccontextmanager
async def chaos(connection: asyncpg.Connection, database: Wire, browsers: Wire) -> AsyncIterator[dict[str, int]]:
    """Breaks one link after the other. Returns how often each was broken."""
    broken = {"database": 0, "backend": 0, "browsers": 0}

    async def rage() -> None:
        dice = random.Random(7)
        while True:
            await asyncio.sleep(dice.random() * 0.2)
            kind = dice.choice(tuple(broken))
            broken[kind] += 1
            if kind == "backend":
                await connection.fetch(TERMINATE)
            else:
                (database if kind == "database" else browsers).reset()

    raging = asyncio.create_task(rage())
    try:
        yield broken
    finally:
        raging.cancel()
        await asyncio.gather(raging, return_exceptions=True)


async def test_nothing_is_missed(
    account: int, wire: Wire, database_url: str, connection: asyncpg.Connection, stopped_clock: Clock
) -> None:
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        app = create_app(load_settings({"DATABASE_URL": wire.url(READER), **ENVIRON}), clock=stopped_clock)
        parts: Services = app.extensions[KEY]
        browsers = await stack.enter_async_context(
            wire_to(f"tcp://{await stack.enter_async_context(served(asgi(app)))}")
        )
        stack.callback(parts.hub.close)
        url = f"http://127.0.0.1:{browsers.port}"
        by_events, by_socket, program = Fragments(url), Fragments(url), Program(url)
        following = [tasks.create_task(work) for work in (events(by_events), by_events.fetch(), by_socket.fetch())]
        page = {"fragments": True, "session": "current"}
        await stack.enter_async_context(socket(url, page, hello=by_socket.hello, stale=by_socket.stale))
        told = {"connected": program.connected, "trade_update": program.update}
        await stack.enter_async_context(socket(url, None, **told))

        async with chaos(connection, wire, browsers) as broken:
            ids = await writers(database_url, account, stopped_clock.now(), 60)
            clients = by_events, by_socket, program
            await until(lambda: min(*broken.values(), *(client.resyncs for client in clients)) > 5)
        await settle(database_url, stopped_clock, by_events, by_socket)
        await until(lambda: set(ids) <= program.told)
        states = parts.tasks.states.values()
        assert all(state.running and not state.failures for state in states), states
        for task in following:
            task.cancel()


async def settle(database_url: str, clock: Clock, *pages: Fragments) -> None:
    """Waits until all show the same as a page that is opened now over a direct connection."""
    async with dashboard(database_url, clock=clock) as fresh:
        await fresh.is_fresh()
        with suppress(TimeoutError):
            await until(lambda: not any(page.differences(fresh.fragments) for page in pages))
        assert [page.differences(fresh.fragments) for page in pages] == [[] for _ in pages]
