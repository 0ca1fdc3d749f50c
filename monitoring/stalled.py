"""uvicorn's connections, closed when the peer has stopped reading: its unsent data would be kept without end.

The system's own limit (TCP_USER_TIMEOUT) does the same where there is one, which is on Linux alone.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

STALLED_SECONDS = 60.0
"""Seconds in which a peer for which much is waiting must have taken some of it. A slow phone takes a while: the system
asks for more only when a good part of its own store is gone."""
MAX_UNSENT_BYTES = 32_768
"""Bytes that may wait for a WebSocket before nothing more is written to it: signals are short."""


class Stalled:
    """Checks the unsent bytes of one connection now and then, and aborts it when none of them were taken."""

    __slots__ = ("_look_again", "_transport", "_waiting")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting = transport.get_write_buffer_size()
        self._look_again = asyncio.get_running_loop().call_later(STALLED_SECONDS, self._look)

    def _look(self) -> None:
        waiting = self._transport.get_write_buffer_size()
        if waiting >= self._waiting:
            self._transport.abort()
            return
        self._waiting = waiting
        self._look_again = asyncio.get_running_loop().call_later(STALLED_SECONDS, self._look)

    def over(self) -> None:
        self._look_again.cancel()


class _Watched:
    """Mixed into both kinds of connections: checks them while writing is paused."""

    transport: Any
    _stalled: Stalled | None = None

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._stalled = self._stalled or Stalled(self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()  # type: ignore[misc]
        self._look_away()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)  # type: ignore[misc]
        self._look_away()

    def _look_away(self) -> None:
        if self._stalled is not None:
            self._stalled.over()
            self._stalled = None


class Http(_Watched, HttpToolsProtocol):
    """An HTTP connection."""


class WebSocket(_Watched, WebSocketsSansIOProtocol):
    """A WebSocket."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)

    def handle_ping(self) -> None:
        # The answer would be written even to a peer that reads nothing.
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.transport.abort()
