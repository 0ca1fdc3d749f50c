"""Stands in front of Socket.IO's WebSockets: limits how many there are, and the form, size and rate of their messages.

Engine.IO trusts its clients: a malformed message ends in a traceback, a connection that never introduces itself stays
for ever, and messages are handled as fast as they are sent.
"""

import asyncio
import json
import logging
import re
from urllib.parse import parse_qs

from monitoring.clock import Clock
from monitoring.layers import App, Message, Receive, Scope, Send
from monitoring.transports import connections
from monitoring.transports.connections import ConnectionLimit

log = logging.getLogger(__name__)

BURST_COUNT, MESSAGES_PER_SECOND = 20, 10
"""So many messages are taken at once, and then so many each second. Further ones wait, and their sender too."""
POLICY_VIOLATION_CODE = 1008
"""Of WebSocket."""
CLOSE, PONG, CONNECT, DISCONNECT = "1", "3", "40", "41"
UPGRADE = ("2probe", "5")
"""The first messages over the WebSocket of a connection that began by polling."""
EVENT = re.compile(r"42[0-9]{0,15}(?=\[)")
"""The start of an event, with the number under which the client wants its answer."""
RESERVED_EVENTS = frozenset({"connect", "connect_error", "disconnect"})
"""The library handles these itself."""


class WebSocketGuard:
    """ASGI application in front of the Engine.IO server ``app``, for WebSockets."""

    def __init__(self, app: App, max_bytes: int, limit: ConnectionLimit, clock: Clock) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._limit = limit
        self._clock = clock
        self._upgrading: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sid = parse_qs(scope["query_string"].decode("latin-1")).get("sid", [""])[0]
        if sid:
            return await self._upgrade(sid, scope, receive, send)
        if not self._limit.make_room():
            return await _refuse(scope, send)
        return await self._app(scope, GuardedReceive(receive, send, self._max_bytes, self._clock).receive, send)

    async def _upgrade(self, sid: str, scope: Scope, receive: Receive, send: Send) -> None:
        """The WebSocket of a connection that began by polling."""
        connection = self._limit.connection(sid)
        if connection is None or connection.upgraded or sid in self._upgrading:
            return await send({"type": "websocket.close", "code": POLICY_VIOLATION_CODE})
        self._upgrading.add(sid)
        guarded = GuardedUpgrade(receive, send, self._max_bytes, self._clock, self._limit, sid)
        try:
            await self._app(scope, guarded.receive, send)
        finally:
            self._upgrading.discard(sid)
            if not connection.upgraded:
                # The library leaves it so after a WebSocket that broke, and would answer every poll with nothing.
                connection.upgrading = False
        return None


async def _refuse(scope: Scope, send: Send) -> None:
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"content-type", b"text/plain"), (b"retry-after", b"60")]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"Too many pages are open."})
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION_CODE})


class GuardedReceive:
    """The messages of one WebSocket: hands on well-formed ones at a limited rate, and closes on anything else."""

    def __init__(self, receive: Receive, send: Send, max_bytes: int, clock: Clock) -> None:
        self._receive = receive
        self._send = send
        self._max_bytes = max_bytes
        self._introduced = False
        self._accepted = False
        self._rate = RateLimit(clock)

    async def receive(self) -> Message:
        if not self._accepted:
            self._accepted = True
            return await self._receive()
        try:
            async with asyncio.timeout(None if self.introduced() else connections.INTRODUCTION_SECONDS):
                message = await self._receive()
        except TimeoutError:
            return await self._close("no introduction")
        if message["type"] != "websocket.receive":
            return message
        fault = self._size_fault(message.get("text")) or self.fault(message["text"])
        if fault:
            return await self._close(fault)
        await self._rate.wait()
        return message

    def introduced(self) -> bool:
        return self._introduced

    def fault(self, text: str) -> str | None:
        """What is wrong with a message of the right size."""
        if not self.introduced():
            self._introduced = text.startswith(CONNECT)
            if not self._introduced:
                return "expected an introduction"
        return None if well_formed(text) else "not a message of Socket.IO that is expected here"

    def _size_fault(self, text: str | None) -> str | None:
        if text is None:
            return "expected text"
        return f"longer than {self._max_bytes} characters" if len(text) > self._max_bytes else None

    async def _close(self, why: str) -> Message:
        log.info("a WebSocket is closed: %s", why)
        await self._send({"type": "websocket.close", "code": POLICY_VIOLATION_CODE, "reason": why})
        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION_CODE}


class GuardedUpgrade(GuardedReceive):
    """The same after polling: a probe and an upgrade come first, and the client may have introduced itself already."""

    def __init__(
        self, receive: Receive, send: Send, max_bytes: int, clock: Clock, limit: ConnectionLimit, sid: str
    ) -> None:
        super().__init__(receive, send, max_bytes, clock)
        self._limit = limit
        self._sid = sid
        self._first = list(UPGRADE)

    def introduced(self) -> bool:
        return super().introduced() or (not self._first and not self._limit.is_anonymous(self._sid))

    def fault(self, text: str) -> str | None:
        if self._first:
            return None if text == self._first.pop(0) else "expected a probe, then an upgrade"
        return super().fault(text)


class RateLimit:
    """How fast one client may send."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used_until = 0.0
        """The moment (``monotonic``) up to which the sender has used its allowance."""

    async def wait(self, messages: int = 1) -> None:
        """Returns when so many more may be taken."""
        now = self._clock.monotonic()
        self._used_until = max(self._used_until, now) + messages / MESSAGES_PER_SECOND
        early = self._used_until - now - BURST_COUNT / MESSAGES_PER_SECOND
        if early > 0:
            await asyncio.sleep(early)


def well_formed(text: str) -> bool:
    """Whether it is an answer to a ping, a farewell, an introduction or an event, in the default namespace."""
    if text in (CLOSE, PONG, CONNECT, DISCONNECT):
        return True
    event = EVENT.match(text)
    try:
        content = json.loads(text[event.end() if event else len(CONNECT) :])
    except (ValueError, RecursionError):
        return False
    if event:
        return bool(content) and isinstance(content[0], str) and content[0] not in RESERVED_EVENTS
    return text.startswith(CONNECT) and isinstance(content, dict)
