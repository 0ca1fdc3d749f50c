"""An application on a real port, served as the product serves it but in the test's own process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from monitoring.server import configuration
from tests.waiting import WAIT_SECONDS


class Server(uvicorn.Server):
    """Leaves signals to pytest, and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def served(app: Any, send_buffer: int | None = None) -> AsyncIterator[str]:
    """The host and port at which ``app`` answers. ``send_buffer``: bytes that the system keeps for a slow reader."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    if send_buffer is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    server = Server(configuration(app))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    started = asyncio.create_task(server.up.wait())
    try:
        await asyncio.wait((serving, started), timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        assert server.started, "the server did not start: see the log"
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        started.cancel()
        server.should_exit = True
        await serving
        listening.close()
