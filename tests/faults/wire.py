"""The network between the dashboard and PostgreSQL, which tests can cut, freeze, slow down and redirect."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.listening import stop_listening
from tests.waiting import until

CHUNK = 65536
DRIP_SECONDS = 0.5
"""From one byte to the next on a link that drips."""
ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER that makes closing a socket reset its connection."""


@dataclass(eq=False)
class Link:
    """One connection, and the one that is opened to PostgreSQL for it."""

    writers: list[asyncio.StreamWriter]
    whole: asyncio.Event
    """Set while data pass at full speed; else a byte passes now and then."""

    def drip(self) -> None:
        """Lets a byte pass now and then, as a radio link that loses nearly everything."""
        self.whole.clear()

    def reset(self) -> None:
        for writer in self.writers:
            sock = writer.get_extra_info("socket")
            if sock is not None and sock.family == socket.AF_INET:
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            writer.transport.abort()


@dataclass(eq=False)
class Wire:
    """A TCP port that leads to a PostgreSQL."""

    target: str
    """A DSN of the embedded server, or ``tcp://host:port``."""
    port: int = 0
    links: set[Link] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _refusing: bool = False
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _whole: asyncio.Event = field(default_factory=asyncio.Event)
    """Of new links; see :class:`Link`."""

    def url(self, user: str = "postgres") -> str:
        """The DSN of the same database over this wire."""
        return f"postgresql://{user}@127.0.0.1:{self.port}{urlsplit(self.target).path}"

    async def listen(self) -> None:
        """Takes connections (again)."""
        self.pass_on()
        self._refusing = False
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Behaves as a host without a server: refuses new connections, and resets the present ones."""
        assert self._server is not None
        self._refusing = True
        await stop_listening(self._server)
        self.reset()

    def reset(self) -> None:
        """Resets every connection; new ones pass."""
        for link in list(self.links):
            link.reset()

    def swallow(self) -> None:
        """Lets nothing pass and resets nothing, as when a cable is pulled."""
        self._open.clear()

    def drip(self) -> None:
        """Makes all links drip, new ones too; see :meth:`Link.drip`."""
        self._whole.clear()
        for link in self.links:
            link.drip()

    def pass_on(self) -> None:
        """Delivers what was held back."""
        self._open.set()
        self._whole.set()
        for link in self.links:
            link.whole.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            # Taken just before nothing was to be taken any more.
            writer.transport.abort()
            return
        link = Link([writer], asyncio.Event())
        if self._whole.is_set():
            link.whole.set()
        self.links.add(link)
        try:
            await self._open.wait()
            with suppress(OSError):
                far_reader, far_writer = await self._connect()
                link.writers.append(far_writer)
                await asyncio.gather(self._pump(reader, far_writer, link), self._pump(far_reader, writer, link))
        finally:
            self.links.discard(link)
            link.reset()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.target)
        query = parse_qs(parts.query)
        if "host" in query:
            folder, port = unquote(query["host"][0]), query["port"][0]
            return await asyncio.open_unix_connection(Path(folder) / f".s.PGSQL.{port}")
        return await asyncio.open_connection(parts.hostname, parts.port)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._open.wait()
                while data and not (link.whole.is_set() or writer.is_closing()):
                    writer.write(data[:1])
                    data = data[1:]
                    with suppress(TimeoutError):
                        await asyncio.wait_for(link.whole.wait(), DRIP_SECONDS)
                writer.write(data)
                await writer.drain()
        if writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()


@asynccontextmanager
async def wire_to(target: str) -> AsyncIterator[Wire]:
    wire = Wire(target)
    await wire.listen()
    try:
        yield wire
    finally:
        wire.pass_on()
        await wire.refuse()
        await until(lambda: not wire.links)
