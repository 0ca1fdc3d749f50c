"""Stands in front of Socket.IO's polling: limits the form, size and rate of requests as for WebSockets.

The library's clients begin by polling unless they are told otherwise, and go on by WebSocket. Where the library would
answer a request with a traceback, or wait for it without end, it is answered here.
"""

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

from monitoring.admission import Admission
from monitoring.clock import Clock
from monitoring.layers import App, Message, Receive, Scope, Send
from monitoring.transports.connections import ConnectionLimit, close
from monitoring.transports.websocket_guard import CONNECT, RateLimit, well_formed

log = logging.getLogger(__name__)

BODY_SECONDS = 10.0
MAX_REQUEST_PACKETS = 16
"""The library's own limit."""
SEPARATOR = "\x1e"
OWN_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

Refusal = tuple[int, str]
"""Status and sentence."""


class TooLong(Exception):
    """A body is longer than a message may be."""


class PollingGuard:
    """ASGI application in front of the Engine.IO server, for requests that are no WebSockets."""

    def __init__(self, app: App, max_bytes: int, limit: ConnectionLimit, admission: Admission, clock: Clock) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._limit = limit
        self._admission = admission
        self._clock = clock
        self._waiting: dict[str, object] = {}
        """By connection the poll that is not answered yet."""
        self._rates: WeakKeyDictionary[object, RateLimit] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        refusal = self._cross_site(scope) or self._refusal(scope["method"], query)
        sid = query.get("sid")
        if refusal:
            await _answer(send, *refusal)
        elif scope["method"] == "OPTIONS" or sid is None:
            await self._app(scope, receive, _with_own_headers(send))
        elif scope["method"] == "POST":
            await self._post(sid, scope, receive, send)
        else:
            await self._poll(sid, scope, receive, send)

    def _cross_site(self, scope: Scope) -> Refusal | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        origin, host = headers.get("origin"), headers.get("host", "")
        if self._admission.is_foreign(origin, host, headers.get("sec-fetch-site")):
            return 403, "This request came from a page of another site."
        return None

    def _refusal(self, method: str, query: Mapping[str, str]) -> Refusal | None:
        if method not in ("GET", "POST", "OPTIONS"):
            return 405, "Expected GET or POST."
        if query.get("transport", "polling") != "polling":
            return 400, "Expected transport=polling, or a WebSocket."
        if "j" in query:
            # A page of any site may load a script.
            return 400, "JSONP is not served."
        if method == "OPTIONS":
            return None
        if "sid" in query:
            return self._refusal_of_connection(method, query["sid"])
        if method != "GET" or query.get("EIO") != "4":
            return 400, "Expected a handshake of Engine.IO 4 (Socket.IO 3 and later)."
        return None if self._limit.make_room() else (503, "Too many pages are open.")

    def _refusal_of_connection(self, method: str, sid: str) -> Refusal | None:
        connection = self._limit.connection(sid)
        if connection is None:
            return 400, "This connection is closed: begin anew."
        if connection.upgraded:
            return 400, "This connection goes on by WebSocket."
        if method == "GET" and sid in self._waiting:
            return 400, "This connection is asking already."
        return None

    async def _poll(self, sid: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers when there is something to send, and ends when the client disconnects."""
        await receive()
        mine = self._waiting[sid] = object()

        async def answer(message: Message) -> None:
            # The client may poll again as soon as it has the answer, before this task goes on.
            self._answered(sid, mine)
            await send(message)

        answering = asyncio.ensure_future(self._app(scope, _empty, _with_own_headers(answer)))
        disconnected = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((answering, disconnected), return_when=asyncio.FIRST_COMPLETED)
        finally:
            disconnected.cancel()
            if not self._answered(sid, mine):
                answering.cancel()
        await asyncio.wait((answering,))
        if not answering.cancelled():
            answering.result()

    def _answered(self, sid: str, poll: object) -> bool:
        """Notes that a poll waits no longer, and says whether that was known."""
        if self._waiting.get(sid) is not poll:
            return True
        del self._waiting[sid]
        return False

    async def _post(self, sid: str, scope: Scope, receive: Receive, send: Send) -> None:
        connection = self._limit.connection(sid)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive, self._max_bytes)
        except TooLong:
            return await self._close(connection, send, 413, f"Expected at most {self._max_bytes} bytes.")
        except TimeoutError:
            return await self._close(connection, send, 408, f"Expected a message within {BODY_SECONDS:.0f} s.")
        if body is None:
            return None
        packets = self._packets(sid, body)
        if not packets:
            return await self._close(connection, send, 400, "Expected messages of Socket.IO, an introduction first.")
        await self._rates.setdefault(connection, RateLimit(self._clock)).wait(len(packets))
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"content-length",)]
        whole = {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
        return await self._app(whole, _once(body), _with_own_headers(send))

    def _packets(self, sid: str, body: bytes) -> list[str]:
        """The messages in a body; none where one of them is not allowed here."""
        try:
            packets = body.decode().split(SEPARATOR)
        except UnicodeDecodeError:
            return []
        too_early = self._limit.is_anonymous(sid) and not packets[0].startswith(CONNECT)
        fine = len(packets) <= MAX_REQUEST_PACKETS and not too_early and all(map(well_formed, packets))
        return packets if fine else []

    async def _close(self, connection: object, send: Send, status: int, sentence: str) -> None:
        log.info("a connection by polling is closed: %s", sentence)
        close(connection)
        await _answer(send, status, sentence)


async def _body(receive: Receive, max_bytes: int) -> bytes | None:
    """The whole body; None where the client disconnected. Raises TooLong as soon as it exceeds ``max_bytes``."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise TooLong
        if not message.get("more_body", False):
            return bytes(body)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _empty() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _with_own_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *OWN_HEADERS]}
        await send(message)

    return wrapped


async def _answer(send: Send, status: int, sentence: str) -> None:
    retry: Iterable[tuple[bytes, bytes]] = [(b"retry-after", b"60")] if status == 503 else []
    headers = [(b"content-type", b"application/json"), *OWN_HEADERS, *retry]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(sentence).encode()})
