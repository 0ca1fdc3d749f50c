"""Connections of Engine.IO: who was let in has a viewer's seat, who has not said yet who he is has none."""

import asyncio
from collections.abc import Callable
from typing import Any

from monitoring.hub import Hub

INTRODUCTION_SECONDS = 10.0
"""How long a connection may stay that was not let in."""

_ending: set[asyncio.Task[None]] = set()
"""The loop itself keeps no tasks."""


def end(connection: Any) -> None:
    """Ends a connection behind what is still unsent. Disconnecting properly would wait for that."""
    if connection.upgraded:
        connection.queue.put_nowait(None)
    elif not connection.closing:
        # Nobody may ever come again for what waits: this connection is a name in a table, and is struck off.
        part(connection)
        task = asyncio.create_task(_strike_off(connection))
        _ending.add(task)
        task.add_done_callback(_ending.discard)


def part(connection: Any) -> None:
    """Answers a waiting poll with a farewell."""
    connection.queue.put_nowait(_Farewell())
    connection.queue.put_nowait(None)


async def _strike_off(connection: Any) -> None:
    await connection.close(wait=False, abort=True)
    connection.server.sockets.pop(connection.sid, None)


class _Farewell:
    """The message of Engine.IO that closes a connection."""

    def encode(self, b64: bool = False) -> str:
        return "1"


class Seats:
    """Counts them. ``taken`` says how many clients were let in; ``engine`` is the Engine.IO server."""

    def __init__(self, engine: Any, hub: Hub, taken: Callable[[], int]) -> None:
        self._engine = engine
        self._hub = hub
        self._taken = taken
        self._strangers: dict[str, asyncio.TimerHandle] = {}
        """The longest there first."""
        self._begin = engine.handlers["connect"]
        engine.on("connect", self._came)
        hub.on_close = self._farewell

    async def _came(self, sid: str, environ: dict[str, Any]) -> object:
        loop = asyncio.get_running_loop()
        self._strangers[sid] = loop.call_later(INTRODUCTION_SECONDS, self._too_late, sid)
        return await self._begin(sid, environ)

    def welcome(self, sid: str) -> None:
        """The connection was let in."""
        timer = self._strangers.pop(sid, None)
        if timer is not None:
            timer.cancel()

    def stranger(self, sid: str) -> bool:
        """Whether it has not been let in yet."""
        return sid in self._strangers

    def connection(self, sid: str) -> Any:
        """The open connection of this name; None where there is none."""
        found = self._engine.sockets.get(sid)
        return None if found is None or found.closed else found

    @property
    def full(self) -> bool:
        """Whether every seat is taken."""
        return self._hub.full or self._taken() >= self._hub.most_viewers

    def room(self) -> bool:
        """Whether one more may come; a stranger goes for it where there are as many connections as there may be."""
        if self.full:
            return False
        if len(self._engine.sockets) >= self._hub.most_viewers:
            self._dismiss()
        return True

    def _dismiss(self) -> None:
        while self._strangers:
            sid = next(iter(self._strangers))
            self.welcome(sid)
            connection = self.connection(sid)
            if connection is not None:
                return end(connection)
        return None

    def _too_late(self, sid: str) -> None:
        self._strangers.pop(sid, None)
        connection = self.connection(sid)
        # A WebSocket is closed by its door, with a reason.
        if connection is not None and not connection.upgraded:
            end(connection)

    def _farewell(self) -> None:
        """Polls last longer than a server may take to stop."""
        for connection in tuple(self._engine.sockets.values()):
            if not connection.upgraded:
                part(connection)
