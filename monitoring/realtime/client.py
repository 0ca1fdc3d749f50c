"""One Socket.IO client: what it is sent, in a queue that cannot grow for ever."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from websockets import frames as websockets

from monitoring.clock import Clock
from monitoring.realtime.seats import end

AT_ONCE = "monitoring.write_at_once"
"""The extension of ASGI by which our server lets whole frames be written."""
MOST_UNSENT = 64
"""Messages that may wait for a client. One that reads has none waiting; one that does not is let go."""


class Frame:
    """An event as it goes over the wire, written once for however many clients."""

    __slots__ = ("_text", "wire")

    def __init__(self, event: str, payload: object) -> None:
        # 4: a message of Engine.IO; 2: an event of Socket.IO.
        self._text = "42" + json.dumps([event, payload], separators=(",", ":"))
        self.wire = websockets.Frame(websockets.Opcode.TEXT, self._text.encode()).serialize(mask=False)
        """The whole frame of a WebSocket without compression."""

    def encode(self, b64: bool = False) -> str:
        """What Engine.IO asks of everything in a client's queue. ``b64`` is for bytes, of which there are none."""
        return self._text


class Client:
    """A connected page or program. ``until`` is the moment (the clock's ``monotonic``) to which it may read.

    ``write`` puts a frame on the wire if nothing waits before it, else it returns False.
    """

    __slots__ = ("_clock", "_connection", "_on_stuck", "_stale", "_write", "scope", "sid", "until")

    def __init__(
        self,
        sid: str,
        scope: str,
        until: float,
        clock: Clock,
        connection: Any,
        write: Callable[[bytes], bool],
        stale: Callable[[Mapping[str, str]], Frame],
        on_stuck: Callable[["Client"], None],
    ) -> None:
        self.sid = sid
        self.scope = scope
        self.until = until
        self._clock = clock
        self._connection = connection
        self._write = write
        self._stale = stale
        self._on_stuck = on_stuck

    def offer(self, versions: Mapping[str, str]) -> None:
        self.send(self._stale(versions))

    def send(self, frame: Frame) -> None:
        """Never waits. A client that has stopped reading, or may read no longer, is let go instead."""
        queue = self._connection.queue
        if queue.qsize() >= MOST_UNSENT or self._clock.monotonic() >= self.until:
            self.let_go()
        elif not self._connection.closed and (queue._unfinished_tasks or not self._write(frame.wire)):
            # Not empty(): what Engine.IO has taken out may take some turns of the loop until it is sent.
            queue.put_nowait(frame)

    def let_go(self) -> None:
        """Ends the connection behind what is still unsent."""
        self._on_stuck(self)
        end(self._connection)

    def close(self) -> None:
        """The server is going away, and closes all connections itself."""
