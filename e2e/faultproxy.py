"""A TCP proxy that misbehaves on demand, for all requests or only for those of certain paths."""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.listening import stop_listening

REQUEST = re.compile(rb"(?:GET|POST|HEAD) (\S+) HTTP/1\.1\r\n")
CHUNK = 16_384
TICK = 0.05

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Stall:
    """Connections stay open, and nothing passes in either direction."""


@dataclass(frozen=True)
class Reset:
    """Connections are reset, new ones at their first byte."""


@dataclass(frozen=True)
class Cut:
    """Each connection is reset once so many more bytes were answered."""

    after: int


@dataclass(frozen=True)
class Drip:
    """Answers trickle, so many bytes a second and connection."""

    rate: int


Fault = Stall | Reset | Cut | Drip


@dataclass(eq=False)
class _Link:
    """One connection from a browser, and the one made for it."""

    browser: asyncio.StreamWriter
    server: asyncio.StreamWriter
    path: str = ""
    answered: int = 0

    def reset(self) -> None:
        for writer in (self.browser, self.server):
            raw = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


@dataclass
class FaultProxy:
    """``connect`` opens the connection that each accepted one is passed on to."""

    connect: Callable[[], Awaitable[Streams]]
    port: int = 0
    _server: asyncio.Server | None = None
    _links: set[_Link] = field(default_factory=set)
    _fault: Fault | None = None
    _only: tuple[str, ...] = ()
    _switched: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fail(self, fault: Fault, *only: str) -> None:
        """Fails connections whose last request began with one of the paths ``only``; without paths, all."""
        self._switch(fault, only)
        for link in tuple(self._links):
            link.answered = 0
            if isinstance(self._fault_of(link), Reset):
                link.reset()

    def heal(self) -> None:
        """Delivers what was held back."""
        self._switch(None, ())

    def _switch(self, fault: Fault | None, only: tuple[str, ...]) -> None:
        self._fault, self._only = fault, only
        self._switched.set()
        self._switched = asyncio.Event()

    def _fault_of(self, link: _Link) -> Fault | None:
        return self._fault if not self._only or link.path.startswith(self._only) else None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        await stop_listening(self._server)
        self.heal()
        for link in tuple(self._links):
            link.reset()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await self.connect()
        except OSError:
            return writer.close()
        link = _Link(writer, to_server)
        if self._server is not None and not self._server.is_serving():
            # Taken just before nothing was to be taken any more.
            return link.reset()
        self._links.add(link)
        try:
            with contextlib.suppress(ConnectionError):
                await asyncio.gather(self._ask(reader, link), self._answer(from_server, link))
        finally:
            # Where one side broke, the other was not closed yet.
            self._links.discard(link)
            link.browser.close()
            link.server.close()
        return None

    async def _ask(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while data := await reader.read(CHUNK):
            request = REQUEST.match(data)
            link.path = request[1].decode() if request else link.path
            await self._pass_on(data, link.server, link)
        link.server.close()

    async def _answer(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while data := await reader.read(CHUNK):
            match self._fault_of(link):
                case Cut(after) if link.answered + len(data) > after:
                    await self._pass_on(data[: after - link.answered], link.browser, link)
                    link.reset()
                case Drip(rate):
                    await self._drip(data, max(1, int(rate * TICK)), link)
                case _:
                    await self._pass_on(data, link.browser, link)
            link.answered += len(data)
        link.browser.close()

    async def _drip(self, data: bytes, portion: int, link: _Link) -> None:
        for start in range(0, len(data), portion):
            await self._pass_on(data[start : start + portion], link.browser, link)
            await asyncio.sleep(TICK)

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter, link: _Link) -> None:
        while isinstance(self._fault_of(link), Stall):
            await self._switched.wait()
        if isinstance(self._fault_of(link), Reset):
            link.reset()
        writer.write(data)
        await writer.drain()


def in_front_of(url: str) -> FaultProxy:
    """A proxy for the server at ``http://host:port``."""
    host, _, port = url.rpartition("/")[2].partition(":")
    return FaultProxy(lambda: asyncio.open_connection(host, int(port)))
