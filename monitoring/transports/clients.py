"""Socket.IO clients that were let in, and what each is sent, in a queue that cannot grow for ever."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engineio.packet import MESSAGE, Packet
from websockets import frames as websockets

from monitoring.clock import Clock
from monitoring.scope_key import ScopeKey
from monitoring.signals.hub import Hub
from monitoring.transports.connections import close

WRITE_AT_ONCE = "monitoring.write_at_once"
"""The extension of ASGI by which our server writes whole frames. What it gains: ``python -m benchmarks.fan_out``."""
MAX_UNSENT_MESSAGES = 64
"""How many messages may wait for a client. None waits for one that reads; one that does not read is disconnected."""


class Frame:
    """An event as it goes over the wire, encoded once for however many clients."""

    def __init__(self, event: str, payload: object) -> None:
        self.text = "2" + json.dumps([event, payload], separators=(",", ":"))
        """The event as Socket.IO writes it."""
        encoded = Packet(MESSAGE, self.text).encode().encode()
        self.wire = websockets.Frame(websockets.Opcode.TEXT, encoded).serialize(mask=False)
        """The whole frame of a WebSocket without compression."""


@dataclass(slots=True, eq=False)
class Client:
    """A connected page or program, which may read until ``until`` (by the clock's ``monotonic``).

    ``write`` puts a frame on the wire if nothing waits there, else it returns False.
    """

    sid: str
    scope: ScopeKey
    until: float
    connection: Any
    """Engine.IO's."""
    write: Callable[[bytes], bool]
    clients: "Clients"
    queued: int = 0
    """How many frames were put into Engine.IO's queue and are not on their way yet."""

    def offer(self, versions: Mapping[str, str]) -> None:
        self.send(self.clients.stale_frame(versions))

    def send(self, frame: Frame) -> None:
        """Never waits. A client that has stopped reading, or may read no longer, is disconnected instead."""
        if self.queued >= MAX_UNSENT_MESSAGES or self.clients.clock.monotonic() >= self.until:
            self.disconnect()
        elif not self.connection.closed and (self.queued or not self.write(frame.wire)):
            self.send_in_turn(frame)

    def send_in_turn(self, frame: Frame) -> None:
        """Sends a frame behind everything that Engine.IO has still to send."""
        self.queued += 1
        self.connection.queue.put_nowait(Queued(self, frame))

    def disconnect(self) -> None:
        """Closes the connection behind what is still unsent."""
        self.clients.remove(self)
        close(self.connection)

    def close(self) -> None:
        """The server is going away, and closes all connections itself."""


class Queued(Packet):  # type: ignore[misc]
    """A frame in the queue of Engine.IO. It counts as sent once it is encoded, for then it is sent without a pause."""

    def __init__(self, client: Client, frame: Frame) -> None:
        super().__init__(MESSAGE, frame.text)
        self._client = client

    def encode(self, b64: bool = False) -> str:
        self._client.queued -= 1
        return str(super().encode(b64))


class Clients:
    """All clients by ``sid``: pages, which listen to the hub, and older clients, which want the update events."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self.clock = clock
        self._hub = hub
        self._by_sid: dict[str, Client] = {}
        self._legacy: dict[str, Client] = {}
        self._stale: tuple[Mapping[str, str], Frame] | None = None

    def __len__(self) -> int:
        return len(self._by_sid)

    def get(self, sid: str) -> Client | None:
        return self._by_sid.get(sid)

    @property
    def legacy(self) -> tuple[Client, ...]:
        return tuple(self._legacy.values())

    def add(self, client: Client) -> None:
        self._by_sid[client.sid] = client

    def add_page(self, client: Client) -> None:
        self._hub.add(client)

    def add_legacy(self, client: Client) -> None:
        self._legacy[client.sid] = client

    def remove(self, client: Client) -> None:
        self._hub.remove(client)
        self._by_sid.pop(client.sid, None)
        self._legacy.pop(client.sid, None)

    def stale_frame(self, versions: Mapping[str, str]) -> Frame:
        """The hub offers one mapping to every client in turn, so its frame is kept until the next one."""
        if self._stale is None or self._stale[0] is not versions:
            self._stale = versions, Frame("stale", versions)
        return self._stale[1]
