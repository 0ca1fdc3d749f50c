"""Clients of Socket.IO that were let in. Each is written to as an event stream is: one subscription, one task."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from engineio.packet import MESSAGE, Packet

from monitoring.clock import Clock
from monitoring.signals.subscription import Subscription
from monitoring.transports.connections import close
from monitoring.transports.event_buffer import EventBuffer

Write = Callable[[str], Awaitable[None]]
"""Sends a message of Socket.IO. It returns when there is room for another one, so that a slow client is sent less."""


def writer(connection: Any, environ: dict[str, Any]) -> Write:
    """The way to a client. What begins by polling is written to through Engine.IO's queue for as long as it lives."""
    send = environ["asgi.send"]
    # Nobody reads it any more, and it is 3 KiB of what a viewer costs (`python -m benchmarks.fan_out`).
    environ.pop("wsgi.input", None)

    async def to_websocket(message: str) -> None:
        try:
            await send({"type": "websocket.send", "text": f"{MESSAGE}{message}"})
        except RuntimeError as error:  # of uvicorn, where this side has closed the connection
            raise ConnectionError from error

    async def to_queue(message: str) -> None:
        connection.queue.put_nowait(Packet(MESSAGE, message))
        await connection.queue.join()

    return to_websocket if environ["asgi.scope"]["type"] == "websocket" else to_queue


def event(name: str, payload: object) -> str:
    """An event as Socket.IO writes it."""
    return "2" + msgspec.json.encode([name, payload]).decode()


@dataclass(slots=True, eq=False)
class Client:
    """A connected page or program, which may read until ``until`` (by the clock's ``monotonic``)."""

    connection: Any
    """Engine.IO's."""
    subscription: Subscription
    until: float
    write: Write
    updates: EventBuffer = field(init=False)
    """The update events that are still to be sent."""
    task: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.updates = EventBuffer(self.subscription)

    async def serve(self, greeting: str, clock: Clock) -> None:
        """Sends what the subscription has, until the server is closing or the client may read no longer."""
        with self.subscription.open_for(self.until - clock.monotonic()):
            await self._send(greeting, clock)

    async def _send(self, greeting: str, clock: Clock) -> None:
        await self.connection.queue.join()  # The answer to the client's introduction goes first.
        await self.write(greeting)
        while True:
            await self.subscription.wait()
            if clock.monotonic() >= self.until:
                return close(self.connection)
            if self.subscription.closed:
                return None
            if signal := self.subscription.take():
                await self.write(event("stale", signal.payload))
            for name, payload in self.updates.take():
                await self.write(event(name, payload))
