"""What may come in over a WebSocket: so many connections, and messages of a form, size and rate that a client needs.

Stands in front of Engine.IO, which takes whatever comes for well-meant: there a malformed message ends in a traceback,
a connection that never introduces itself stays for ever, and messages are worked off as fast as they are sent.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

INTRODUCTION_SECONDS = 10.0
BURST, A_SECOND = 20, 10
"""Messages that are taken at once, and each second from then on. What is more waits, and makes its sender wait."""
REFUSED = 1008
"""WebSocket's code for "against our policy"."""
CLOSE, PONG, CONNECT, DISCONNECT = "1", "3", "40", "41"
EVENT = re.compile(r"42[0-9]{0,15}(?=\[)")
"""With the number under which the client wants to be answered."""
RESERVED = frozenset({"connect", "connect_error", "disconnect"})
"""Names of events that mean something else to the library."""


class Gatekeeper:
    """ASGI middleware for the Engine.IO server. ``full`` says whether to turn new connections away."""

    def __init__(self, app: App, longest: int, full: Callable[[], bool]) -> None:
        self._app = app
        self._longest = longest
        self._full = full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return await self._app(scope, receive, send)
        if self._full():
            return await _turn_away(scope, send)
        return await self._app(scope, Door(receive, send, self._longest).receive, send)


async def _turn_away(scope: Scope, send: Send) -> None:
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"content-type", b"text/plain"), (b"retry-after", b"60")]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"Too many pages are open."})
    else:
        await send({"type": "websocket.close", "code": REFUSED})


class Door:
    """One connection: hands on what is well formed, slows down who hurries, closes on everything else."""

    def __init__(self, receive: Receive, send: Send, longest: int) -> None:
        self._receive = receive
        self._send = send
        self._longest = longest
        self._introduced = False
        self._accepted = False
        self._ahead = 0.0
        """The moment (of the loop's clock) up to which the sender has used its allowance."""

    async def receive(self) -> Message:
        if not self._accepted:
            self._accepted = True
            return await self._receive()
        try:
            async with asyncio.timeout(None if self._introduced else INTRODUCTION_SECONDS):
                message = await self._receive()
        except TimeoutError:
            return await self._close("no introduction")
        if message["type"] != "websocket.receive":
            return message
        fault = self._fault(message.get("text"))
        if fault:
            return await self._close(fault)
        await self._slow_down()
        return message

    def _fault(self, text: str | None) -> str | None:
        if text is None:
            return "expected text"
        if len(text) > self._longest:
            return f"longer than {self._longest} characters"
        if not self._introduced:
            self._introduced = text.startswith(CONNECT)
            if not self._introduced:
                return "expected an introduction"
        return None if well_formed(text) else "not a message of Socket.IO that is expected here"

    async def _slow_down(self) -> None:
        now = asyncio.get_running_loop().time()
        self._ahead = max(self._ahead, now) + 1 / A_SECOND
        early = self._ahead - now - BURST / A_SECOND
        if early > 0:
            await asyncio.sleep(early)

    async def _close(self, why: str) -> Message:
        log.info("a WebSocket is closed: %s", why)
        await self._send({"type": "websocket.close", "code": REFUSED, "reason": why})
        return {"type": "websocket.disconnect", "code": REFUSED}


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
