"""How many connections of Engine.IO there may be: a client that was let in is counted, an anonymous one gives way."""

import asyncio
from collections.abc import Sized
from typing import Any

from engineio.packet import CLOSE, Packet

from monitoring.signals.hub import Hub

INTRODUCTION_SECONDS = 10.0
"""How long a connection may stay anonymous."""

_closing: set[asyncio.Task[None]] = set()
"""The loop itself keeps no tasks."""


def close(connection: Any) -> None:
    """Closes a connection behind what is still unsent. The library's own way to disconnect would wait for that."""
    if connection.upgraded:
        connection.queue.put_nowait(None)
    elif not connection.closing:
        # No poll may ever come again for what waits, so the connection leaves the library's table by itself.
        end_poll(connection)
        task = asyncio.create_task(_leave_table(connection))
        _closing.add(task)
        task.add_done_callback(_closing.discard)


def end_poll(connection: Any) -> None:
    """Answers a waiting poll with the packet that closes the connection."""
    connection.queue.put_nowait(Packet(CLOSE))
    connection.queue.put_nowait(None)


async def _leave_table(connection: Any) -> None:
    await connection.close(wait=False, abort=True)
    connection.server.sockets.pop(connection.sid, None)


class ConnectionLimit:
    """Allows as many connections as the hub allows viewers. ``engine`` is the Engine.IO server."""

    def __init__(self, engine: Any, hub: Hub, clients: Sized) -> None:
        self._engine = engine
        self._hub = hub
        self._clients = clients
        self._anonymous: dict[str, asyncio.TimerHandle] = {}
        """Connections that were not let in yet, the oldest first."""
        self._begin = engine.handlers["connect"]
        engine.on("connect", self._connected)

    async def _connected(self, sid: str, environ: dict[str, Any]) -> object:
        loop = asyncio.get_running_loop()
        self._anonymous[sid] = loop.call_later(INTRODUCTION_SECONDS, self._too_late, sid)
        return await self._begin(sid, environ)

    def let_in(self, sid: str) -> None:
        """The connection is anonymous no longer."""
        timer = self._anonymous.pop(sid, None)
        if timer is not None:
            timer.cancel()

    def is_anonymous(self, sid: str) -> bool:
        return sid in self._anonymous

    def connection(self, sid: str) -> Any:
        """The open connection of this name; None where there is none."""
        found = self._engine.sockets.get(sid)
        return None if found is None or found.closed else found

    @property
    def full(self) -> bool:
        return self._hub.full or len(self._clients) >= self._hub.max_viewers

    def make_room(self) -> bool:
        """Whether one more may connect. The oldest anonymous connection is closed for it where that is necessary."""
        if self.full:
            return False
        if len(self._engine.sockets) >= self._hub.max_viewers:
            self._close_oldest_anonymous()
        return True

    def _close_oldest_anonymous(self) -> None:
        while self._anonymous:
            sid = next(iter(self._anonymous))
            self.let_in(sid)
            connection = self.connection(sid)
            if connection is not None:
                return close(connection)
        return None

    def _too_late(self, sid: str) -> None:
        self._anonymous.pop(sid, None)
        connection = self.connection(sid)
        # A WebSocket is closed by its guard, with a reason.
        if connection is not None and not connection.upgraded:
            close(connection)

    def end_polls(self) -> None:
        """Polls last longer than a server may take to stop."""
        for connection in tuple(self._engine.sockets.values()):
            if not connection.upgraded:
                end_poll(connection)
