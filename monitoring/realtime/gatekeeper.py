"""What may come in over Socket.IO: so many connections, and messages of a form, size and rate that a client needs.

Stands in front of Engine.IO, which takes whatever comes for well-meant: there a malformed message ends in a traceback,
a connection that never introduces itself stays for ever, and messages are worked off as fast as they are sent.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from monitoring.clock import Clock
from monitoring.realtime import seats as limits
from monitoring.realtime.seats import Seats

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BURST, A_SECOND = 20, 10
"""Messages that are taken at once, and each second from then on. What is more waits, and makes its sender wait."""
REFUSED = 1008
"""WebSocket's code for "against our policy"."""
CLOSE, PONG, CONNECT, DISCONNECT = "1", "3", "40", "41"
UPGRADE = ("2probe", "5")
"""What comes first over the WebSocket of a connection that began by polling."""
EVENT = re.compile(r"42[0-9]{0,15}(?=\[)")
"""With the number under which the client wants to be answered."""
RESERVED = frozenset({"connect", "connect_error", "disconnect"})
"""Names of events that mean something else to the library."""


class Gatekeeper:
    """ASGI middleware for the Engine.IO server, which is at ``path``; requests there go to ``polling``."""

    def __init__(self, app: App, path: str, longest: int, seats: Seats, polling: App, clock: Clock) -> None:
        self._app = app
        self._path = f"/{path.strip('/')}/"
        self._longest = longest
        self._seats = seats
        self._polling = polling
        self._clock = clock
        self._upgrading: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and f"{scope['path']}/".startswith(self._path):
            return await self._polling(scope, receive, send)
        if scope["type"] != "websocket":
            return await self._app(scope, receive, send)
        sid = parse_qs(scope["query_string"].decode("latin-1")).get("sid", [""])[0]
        if sid:
            return await self._upgrade(sid, scope, receive, send)
        if not self._seats.room():
            return await _turn_away(scope, send)
        return await self._app(scope, Door(receive, send, self._longest, self._clock).receive, send)

    async def _upgrade(self, sid: str, scope: Scope, receive: Receive, send: Send) -> None:
        """The WebSocket of a connection that has a seat already, or none yet."""
        connection = self._seats.connection(sid)
        if connection is None or connection.upgraded or sid in self._upgrading:
            return await send({"type": "websocket.close", "code": REFUSED})
        self._upgrading.add(sid)
        door = Door(receive, send, self._longest, self._clock, UPGRADE, lambda: not self._seats.stranger(sid))
        try:
            await self._app(scope, door.receive, send)
        finally:
            self._upgrading.discard(sid)
            if not connection.upgraded:
                # The library leaves it so after a WebSocket that broke, and answers every poll with nothing at once.
                connection.upgrading = False
        return None


async def _turn_away(scope: Scope, send: Send) -> None:
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"content-type", b"text/plain"), (b"retry-after", b"60")]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"Too many pages are open."})
    else:
        await send({"type": "websocket.close", "code": REFUSED})


class Door:
    """One connection: hands on what is well formed, slows down who hurries, closes on everything else."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        longest: int,
        clock: Clock,
        first: Iterable[str] = (),
        let_in: Callable[[], bool] = lambda: False,
    ) -> None:
        """``first``: what must come first, word for word. ``let_in``: whether the client was, by another way."""
        self._receive = receive
        self._send = send
        self._longest = longest
        self._first = list(first)
        self._let_in = let_in
        self._introduced = False
        self._accepted = False
        self._allowance = Allowance(clock)

    async def receive(self) -> Message:
        if not self._accepted:
            self._accepted = True
            return await self._receive()
        try:
            async with asyncio.timeout(None if self._known() else limits.INTRODUCTION_SECONDS):
                message = await self._receive()
        except TimeoutError:
            return await self._close("no introduction")
        if message["type"] != "websocket.receive":
            return message
        fault = self._fault(message.get("text"))
        if fault:
            return await self._close(fault)
        await self._allowance.wait()
        return message

    def _known(self) -> bool:
        self._introduced = self._introduced or (not self._first and self._let_in())
        return self._introduced

    def _fault(self, text: str | None) -> str | None:
        if text is None:
            return "expected text"
        if len(text) > self._longest:
            return f"longer than {self._longest} characters"
        if self._first:
            return None if text == self._first.pop(0) else "expected a probe, then an upgrade"
        if not self._known():
            self._introduced = text.startswith(CONNECT)
            if not self._introduced:
                return "expected an introduction"
        return None if well_formed(text) else "not a message of Socket.IO that is expected here"

    async def _close(self, why: str) -> Message:
        log.info("a WebSocket is closed: %s", why)
        await self._send({"type": "websocket.close", "code": REFUSED, "reason": why})
        return {"type": "websocket.disconnect", "code": REFUSED}


class Allowance:
    """How fast one client may send."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = 0.0
        """The moment (``monotonic``) up to which the sender has used its allowance."""

    async def wait(self, messages: int = 1) -> None:
        """Until so many more may be taken."""
        now = self._clock.monotonic()
        self._ahead = max(self._ahead, now) + messages / A_SECOND
        early = self._ahead - now - BURST / A_SECOND
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
        return bool(content) and isinstance(content[0], str) and content[0] not in RESERVED
    return text.startswith(CONNECT) and isinstance(content, dict)
