"""The dashboard is restarted: every page reconnects by itself."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import asyncpg
import pytest
import socketio

from e2e.networks.transports import OpenPage, hears, hurry, mark, reaches
from e2e.nginx import PLAIN, STRIPPED, Nginx, run_nginx
from tests.running import Dashboard, run_dashboard
from tests.waiting import WAIT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="package")


class Restarted:
    """A dashboard that is stopped and started again at one address."""

    def __init__(self, database_url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.database_url = database_url
        self.url = f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Dashboard]:
        async with run_dashboard("--db-url", self.database_url, "--port", str(self.port)) as dashboard:
            yield dashboard


@pytest.fixture
def restarted(account: int, database_url: str) -> Restarted:
    return Restarted(database_url)


async def test_pages_behind_a_proxy_heal(
    restarted: Restarted, nginx_program: str, open_page: OpenPage, connection: asyncpg.Connection, account: int
) -> None:
    """The proxy answers 502 meanwhile."""
    async with run_nginx(nginx_program, restarted.url, {"plain": PLAIN, "stripped": STRIPPED}) as nginx:
        async with restarted.running():
            page, other = await open_page(nginx.url("plain")), await open_page()
            await hurry(other, **{"sse-retry": 3000})  # at the real times two failures are longer than a test waits
            await other.goto(nginx.url("stripped"), wait_until="domcontentloaded")
            await reaches(page, "ws")
            await reaches(other, "sse")
            await asyncio.gather(mark(page), mark(other))
        await reaches(page, "none", 3, "stopped: noticed by WebSocket")
        await reaches(other, "none", 3, "stopped: noticed by events")
        await bad_gateway(nginx)
        async with restarted.running():
            await asyncio.gather(mark(page), mark(other))
            await reaches(page, "ws", 15, "started again behind 502: WebSocket")
            await reaches(other, "sse", 15, "started again behind 502: events")
            await hears(page, connection, account)
            await hears(other, connection, account)


async def bad_gateway(nginx: Nginx) -> None:
    async with aiohttp.ClientSession() as client, client.get(nginx.url("plain")) as answer:
        assert answer.status == 502


async def test_programs_are_disconnected_properly_and_reconnect(restarted: Restarted) -> None:
    connected, disconnected = asyncio.Queue[object](), asyncio.Queue[str]()
    async with aiohttp.ClientSession() as session:
        client = socketio.AsyncClient(reconnection_delay=0.2, reconnection_delay_max=0.5, http_session=session)
        client.on("connected", connected.put)
        client.on("disconnect", disconnected.put)
        async with restarted.running() as dashboard:
            await client.connect(restarted.url, transports=["websocket"], wait_timeout=WAIT_SECONDS)
            await asyncio.wait_for(connected.get(), WAIT_SECONDS)
            dashboard.process.terminate()
            assert await asyncio.wait_for(disconnected.get(), WAIT_SECONDS) != client.reason.SERVER_DISCONNECT
            assert await asyncio.wait_for(dashboard.process.wait(), WAIT_SECONDS) == 0
        async with restarted.running():
            await asyncio.wait_for(connected.get(), WAIT_SECONDS)
            await client.disconnect()
