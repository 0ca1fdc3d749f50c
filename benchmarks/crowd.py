"""Many viewers at once, in a process of their own and as light as can be: `python -m benchmarks.crowd`.

Raw Engine.IO frames or raw Server-Sent Events over plain asyncio, so that what is measured is the server. The process
obeys lines on standard input: ``begin`` forgets what was heard, ``heard`` answers with the moments (of the machine's
monotonic clock) at which each viewer heard that ``trade_list`` went stale, ``fetched`` with those at which it had all
the stale sections again. It ends with its input.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import random
from time import monotonic
from typing import cast
from urllib.parse import urlsplit

import uvloop

LONGEST_WAIT = 20.0
AT_ONCE = 50
"""Connections opened together."""
Command = Callable[[], Awaitable[list[float]]]
UPGRADE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
EVENTS = "GET /events HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
FETCH = "GET /partials?names={names}&at={version} HTTP/1.1\r\nHost: {host}\r\n" + "".join(
    f"{line}\r\n" for line in ("HX-Request: true", "Accept-Encoding: gzip", "")
)
RESERVED = ("gap", "spread")
"""Members of a signal that are no sections."""
HELLO = b'40{"fragments":true,"session":"current"}'


@dataclass(slots=True)
class Crowd:
    """What all viewers share. Those that are ``fetching`` fetch what goes stale, the others only listen."""

    host: str
    port: int
    fetching: bool
    ready: int = 0
    heard: dict[int, float] = field(default_factory=dict)
    fetched: dict[int, float] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hears(self, viewer: "Viewer", signal: dict[str, str]) -> None:
        spread = int(signal.get("spread", 0)) / 1000
        versions = {name: version for name, version in signal.items() if name not in RESERVED}
        if "trade_list" in versions and viewer.number not in self.heard:
            self.heard[viewer.number] = monotonic()
            self.news.set()
            if self.fetching:
                asyncio.get_running_loop().call_later(random() * spread, viewer.fetch, versions)

    def has(self, number: int) -> None:
        self.fetched[number] = monotonic()
        self.news.set()

    async def until(self, done: Callable[[], bool]) -> None:
        """Waits for ``done``, though not for ever: a signal that got lost is a figure too."""
        end = monotonic() + LONGEST_WAIT
        while not done() and monotonic() < end:
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), end - monotonic())
            except TimeoutError:
                return


class Fetcher(asyncio.Protocol):
    """One kept-alive connection over which a viewer fetches what went stale, all of it at once."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self._number = number
        self._request = b""
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None

    async def fetch(self, versions: dict[str, str]) -> None:
        names, newest = ",".join(versions), next(reversed(versions.values()))
        self._request = FETCH.format(names=names, version=newest, host=self._crowd.host).encode()
        if self._transport is None:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self, self._crowd.host, self._crowd.port)
        else:
            self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._buffer = body[length:]
            self._crowd.has(self._number)


class Viewer(asyncio.Protocol):
    """One open page. Subclasses know how signals arrive."""

    opening = ""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self.number = number
        self.crowd = crowd
        self.buffer = b""
        self.transport: asyncio.Transport | None = None
        self._fetcher = Fetcher(crowd, number)
        self._fetching: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.opening.format(host=f"{self.crowd.host}:{self.crowd.port}").encode())

    def connection_lost(self, _error: Exception | None) -> None:
        print(f"viewer {self.number} was cut off", file=sys.stderr)

    def fetch(self, versions: dict[str, str]) -> None:
        self._fetching = asyncio.get_running_loop().create_task(self._fetcher.fetch(versions))

    def greeted(self) -> None:
        self.crowd.ready += 1
        self.crowd.news.set()


class SocketViewer(Viewer):
    """Socket.IO over a WebSocket. A mask of zeros leaves what is sent as it is."""

    opening = UPGRADE

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.buffer.startswith(b"HTTP"):
            _head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self.buffer = rest
        while len(self.buffer) >= 2:
            start = 2 if self.buffer[1] < 126 else 4
            length = int.from_bytes(self.buffer[start // 2 : start])
            if len(self.buffer) < start + length:
                return
            message, self.buffer = self.buffer[start : start + length], self.buffer[start + length :]
            self._message(message)

    def _message(self, message: bytes) -> None:
        if message.startswith(b"0"):
            self._send(HELLO)
        elif message.startswith(b"2"):
            self._send(b"3")
        elif message.startswith(b'42["hello"'):
            self.greeted()
        elif message.startswith(b'42["stale"'):
            self.crowd.hears(self, json.loads(message[2:])[1])

    def _send(self, text: bytes) -> None:
        assert self.transport is not None
        self.transport.write(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)


class StreamViewer(Viewer):
    """Server-Sent Events; the frames of chunked encoding are skipped over."""

    opening = EVENTS

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        *events, self.buffer = self.buffer.split(b"\n\n")
        for event in events:
            if b"event: hello" in event:
                self.greeted()
            elif b"event: stale" in event:
                self.crowd.hears(self, json.loads(event.partition(b"data: ")[2]))


async def open_all(crowd: Crowd, kind: type[Viewer], count: int) -> None:
    loop = asyncio.get_running_loop()
    for first in range(0, count, AT_ONCE):
        numbers = range(first, min(count, first + AT_ONCE))
        await asyncio.gather(
            *(loop.create_connection(lambda n=n: kind(crowd, n), crowd.host, crowd.port) for n in numbers)
        )
        await crowd.until(lambda: crowd.ready >= numbers.stop)  # noqa: B023 - awaited before the next round


async def obey(crowd: Crowd, count: int) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def heard() -> list[float]:
        await crowd.until(lambda: len(crowd.heard) == count)
        return list(crowd.heard.values())

    async def fetched() -> list[float]:
        await crowd.until(lambda: len(crowd.fetched) == count)
        return list(crowd.fetched.values())

    async def begin() -> list[float]:
        crowd.heard.clear()
        crowd.fetched.clear()
        return []

    commands: dict[bytes, Callable[[], Awaitable[list[float]]]] = {
        b"begin": begin,
        b"heard": heard,
        b"fetched": fetched,
    }
    while line := await reader.readline():
        print(json.dumps(await commands[line.strip()]()), flush=True)


async def main(address: str, transport: str, count: int, fetching: bool) -> None:
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    crowd = Crowd(parts.hostname, parts.port, fetching)
    await open_all(crowd, {"websocket": SocketViewer, "sse": StreamViewer}[transport], count)
    print(json.dumps([crowd.ready]), flush=True)
    await obey(crowd, count)


if __name__ == "__main__":
    address, transport, count, *rest = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(address, transport, int(count), bool(rest)))
