"""Clients that stop reading: they cost little and are disconnected, and other clients notice nothing."""

import asyncio
import contextlib
import json
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from monitoring import stalled
from monitoring.clock import SYSTEM_CLOCK
from monitoring.scope_key import CURRENT
from monitoring.sections import SECTIONS
from monitoring.signals.hub import Hub
from monitoring.transports.event_buffer import MAX_KEPT_ROWS
from monitoring.transports.sockets import Sockets
from monitoring.transports.sse import event
from tests.engine_io import PATH, Raw, let_in
from tests.serving import served
from tests.signalled import signal_to
from tests.transports.bare import BareSockets
from tests.waiting import WAIT_SECONDS, until, waiting

STUCK = 50
CHANGES = 3000
NAMES = tuple(section.name for section in SECTIONS)
PINGS = 5
"""What the library itself may add to a queue while a test lasts."""
KERNEL = 8192
"""Bytes that the system keeps on either side of a connection."""
LONG = 20_000
"""Bytes of a signal that few of fill what is kept for a peer."""
MOST_GROWTH = STUCK * (stalled.MAX_UNSENT_BYTES + 16_384) + (2 << 20)
"""What may wait for each, and something for ourselves; the changes are a hundred times as much."""
UPGRADE = (
    f"GET {PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def hub() -> Hub:
    """Tells of every change at once, so that a test need not wait for its thousands."""
    return Hub(NAMES, SYSTEM_CLOCK, throttle_seconds=0)


@pytest.fixture
async def bare(hub: Hub) -> AsyncIterator[BareSockets]:
    made = BareSockets(hub, SYSTEM_CLOCK)
    yield made
    await made.sockets.close()


@pytest.fixture
def clients() -> Iterator[contextlib.ExitStack]:
    """Closes the clients that a test entered."""
    with contextlib.ExitStack() as stack:
        yield stack


async def connect(host: str, request: str) -> socket.socket:
    """A connection with a small window, over which ``request`` has been sent and the answer has begun."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
    opened.setblocking(False)
    loop = asyncio.get_running_loop()
    name, port = host.split(":")
    await loop.sock_connect(opened, (name, int(port)))
    await loop.sock_sendall(opened, request.encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        byte = await loop.sock_recv(opened, 1)
        assert byte, answer
        answer += byte
    return opened


async def stuck_client(host: str, auth: dict[str, object]) -> socket.socket:
    """A Socket.IO client that reads until it has been let in, and never again."""
    opened = await connect(host, UPGRADE)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(opened, frame(0x1, "40" + json.dumps(auth)))
    seen = b""
    while b"42[" not in seen:
        more = await loop.sock_recv(opened, 4096)
        assert more, seen
        seen += more
    return opened


def frame(opcode: int, text: str) -> bytes:
    """As a client sends it: masked, with zeros."""
    return bytes((0x80 | opcode, 0x80 | len(text), 0, 0, 0, 0)) + text.encode()


def longest_queue(sockets: Sockets) -> int:
    return max((connection.queue.qsize() for connection in sockets.server.eio.sockets.values()), default=0)


async def change(hub: Hub, page: Raw) -> int:
    """Many changes, as fast as one who reads can follow. How many bytes of memory they left behind."""
    tracemalloc.start()
    try:
        for number in range(CHANGES):
            hub.publish(None, NAMES)
            await asyncio.sleep(0)
            if number % 10 == 0:
                while (await page.event("stale")).get(NAMES[0]) != hub.versions.of(CURRENT, NAMES[0]):
                    pass
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


async def test_pages_that_stop_reading_are_disconnected(
    hub: Hub, bare: BareSockets, clients: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalled, "STALLED_SECONDS", 1.0)
    async with served(bare.app, KERNEL) as host, let_in(host) as page:
        await page.event("hello")
        for _ in range(STUCK):
            clients.enter_context(await stuck_client(host, {"fragments": True}))
        assert hub.viewers == STUCK + 1
        assert await change(hub, page) < MOST_GROWTH
        assert longest_queue(bare.sockets) <= PINGS
        await until(lambda: hub.viewers == 1)
        clients.close()


async def test_programs_that_stop_reading_are_disconnected(
    bare: BareSockets, clients: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalled, "STALLED_SECONDS", 1.0)
    trades = {"trades": [{"id": number, "symbol": "BTCUSDT"} for number in range(50)]}
    async with served(bare.app, KERNEL) as host, let_in(host, None) as program:
        await program.event("connected")
        for _ in range(STUCK):
            clients.enter_context(await stuck_client(host, {}))
        assert len(bare.streams) == STUCK + 1
        for _ in range(500):
            bare.streams.emit("trade_update", trades)
            assert await program.event("trade_update") == trades
            assert longest_queue(bare.sockets) <= PINGS
        await until(lambda: len(bare.streams) == 1)
        clients.close()


async def test_a_program_that_reads_slowly_misses_no_trade(bare: BareSockets) -> None:
    async with served(bare.app, KERNEL) as host, let_in(host, None) as program:
        await program.event("connected")
        for number in range(MAX_KEPT_ROWS):
            bare.streams.emit("trade_update", {"trades": [{"id": number, "filler": "x" * 1000}]})
            await asyncio.sleep(0)
        heard: list[int] = []
        while len(heard) < MAX_KEPT_ROWS:
            heard += [trade["id"] for trade in (await program.event("trade_update"))["trades"]]
        assert heard == list(range(MAX_KEPT_ROWS))


class Viewer(asyncio.Protocol):
    """A page that reads everything, and remembers the end of it."""

    def __init__(self) -> None:
        self.end = b""

    def data_received(self, data: bytes) -> None:
        self.end = (self.end + data)[-LONG:]


async def viewer(host: str) -> Viewer:
    opened = await stuck_client(host, {"fragments": True})
    _, protocol = await asyncio.get_running_loop().create_connection(Viewer, sock=opened)
    return protocol


@pytest.mark.audit
async def test_one_who_never_reads_harms_none_of_a_thousand(clients: contextlib.ExitStack) -> None:
    """It is sent the newest versions once it reads again, and nothing of what came before."""
    long_name = "x" * LONG
    hub = Hub((long_name,), SYSTEM_CLOCK, throttle_seconds=0)
    bare = BareSockets(hub, SYSTEM_CLOCK)
    async with served(bare.app, KERNEL) as host:
        stuck = clients.enter_context(await stuck_client(host, {"fragments": True}))
        crowd = [await viewer(host) for _ in range(999)]
        for _ in range(10):
            hub.publish(None, (long_name,))
            newest = hub.versions.of(CURRENT, long_name).encode()
            await until(lambda: all(newest in reader.end for reader in crowd))  # noqa: B023 - awaited here
        assert hub.viewers == 1000
        assert longest_queue(bare.sockets) <= PINGS
        seen, loop = b"", asyncio.get_running_loop()
        async with waiting():
            while newest not in seen:
                seen += await loop.sock_recv(stuck, LONG)
        assert seen.count(b'["stale"') < 10
        clients.close()
    await bare.sockets.close()


@pytest.mark.audit
async def test_streams_that_stop_reading_keep_one_version_a_section(
    hub: Hub, bare: BareSockets, clients: contextlib.ExitStack
) -> None:
    subscriptions = []

    async def streaming(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        subscriptions.append(hub.subscribe(CURRENT))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        mine = subscriptions[-1]
        while not mine.closed:
            if signal := await mine.next(60):
                await send({"type": "http.response.body", "body": event("stale", signal.payload), "more_body": True})

    async with (
        served(streaming, KERNEL) as host,
        served(bare.app) as other,
        let_in(other) as page,
    ):
        await page.event("hello")
        for _ in range(STUCK):
            clients.enter_context(await connect(host, GET))
        assert hub.viewers == STUCK + 1
        assert await change(hub, page) < STUCK * 65_536 + MOST_GROWTH
        newest = hub.versions.all(CURRENT)
        assert [(await signal_to(stream)).versions for stream in subscriptions] == [newest] * STUCK
        hub.close()
        clients.close()


class Flood:
    """An application that writes for as long as anybody is there."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope["type"] != "lifespan"
        started = "websocket.accept" if scope["type"] == "websocket" else "http.response.start"
        await receive()
        await send({"type": started, "status": 200, "headers": []})
        more = {"text": "x" * KERNEL} if scope["type"] == "websocket" else {"body": b"x" * KERNEL, "more_body": True}
        kind = "websocket.send" if scope["type"] == "websocket" else "http.response.body"
        gone = asyncio.create_task(receive())
        try:
            while not gone.done():
                await send({"type": kind, **more})
        finally:
            gone.cancel()
            self.ended.set()


@pytest.mark.parametrize("request_", [GET, UPGRADE], ids=["http", "websocket"])
async def test_a_connection_that_is_not_read_is_cut(
    request_: str, clients: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalled, "STALLED_SECONDS", 0.2)
    flood = Flood()
    async with served(flood, KERNEL) as host:
        clients.enter_context(await connect(host, request_))
        await asyncio.wait_for(flood.ended.wait(), WAIT_SECONDS)


@pytest.mark.parametrize("request_", [GET, UPGRADE], ids=["http", "websocket"])
async def test_a_connection_that_is_read_slowly_is_kept(
    request_: str, clients: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalled, "STALLED_SECONDS", 0.5)
    flood, loop = Flood(), asyncio.get_running_loop()
    async with served(flood, KERNEL) as host:
        slow = clients.enter_context(await connect(host, request_))
        end = loop.time() + 1.5
        while loop.time() < end:
            assert await loop.sock_recv(slow, KERNEL)
            await asyncio.sleep(0.02)
        assert not flood.ended.is_set()
        clients.close()
        await asyncio.wait_for(flood.ended.wait(), WAIT_SECONDS)


async def test_a_peer_that_pings_and_does_not_read_is_cut(clients: contextlib.ExitStack) -> None:
    flood, loop = Flood(), asyncio.get_running_loop()
    async with served(flood, KERNEL) as host:
        rude = clients.enter_context(await connect(host, UPGRADE))
        with contextlib.suppress(ConnectionError):
            async with waiting():
                while not flood.ended.is_set():
                    await loop.sock_sendall(rude, frame(0x9, "ping"))
        assert flood.ended.is_set()
