"""Socket.IO: the names of stale sections for our own page, and the update events that older clients know."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import socketio
from socketio.exceptions import ConnectionRefusedError

from monitoring.admission import cookies_in, presented
from monitoring.clock import Clock
from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.hub import CURRENT, Hub
from monitoring.realtime.client import AT_ONCE, Client, Frame
from monitoring.realtime.gatekeeper import App, Gatekeeper
from monitoring.realtime.polling import Polling
from monitoring.realtime.seats import Seats, end
from monitoring.scope import BOT, UnknownSession

log = logging.getLogger(__name__)

PING_INTERVAL, PING_TIMEOUT = 15, 10
LARGEST_MESSAGE = 16_384
QUIET = 1.0
"""Seconds between two answers to ``request_update``, whoever asks."""
GREETING = {"status": "Connected to monitoring dashboard"}

Payload = Callable[[], Awaitable[object]]
Find = Callable[[str], Awaitable[object]]
"""Raises UnknownSession for a session that is none, DatabaseUnavailable when that cannot be known."""
Allowed = Callable[[str, Mapping[str, str]], float | None]
"""Token presented in ``auth`` or a header, and the request's cookies → until when (seconds since 1970 UTC) may this
client read? None: not at all."""


@dataclass(slots=True)
class Sockets:
    """The Socket.IO server. ``metrics`` makes the payload of ``metrics_update``."""

    hub: Hub
    clock: Clock
    allowed: Allowed
    origins: tuple[str, ...]
    find: Find
    metrics: Payload
    on_viewer: Callable[[], None]
    server: socketio.AsyncServer = field(init=False)
    seats: Seats = field(init=False)
    _clients: dict[str, Client] = field(default_factory=dict)
    _older: dict[str, Client] = field(default_factory=dict)
    _asking: set[str] = field(default_factory=set)
    _answering: asyncio.Task[None] | None = None
    _news: Mapping[str, str] = field(default_factory=dict)
    _frame: Frame = field(init=False)

    def __post_init__(self) -> None:
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            transports=["websocket", "polling"],
            # One message of a client after the other: they are few, and whoever sends many waits.
            async_handlers=False,
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
            max_http_buffer_size=LARGEST_MESSAGE,
            cors_allowed_origins=self._origin_allowed,
            # Named, for otherwise each of the two prints its lines by itself too, as they come.
            logger=logging.getLogger("socketio.server"),
            engineio_logger=logging.getLogger("engineio.server"),
        )
        self.seats = Seats(self.server.eio, self.hub, lambda: len(self._clients))
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)
        self.server.on("request_update", self._request_update)

    def application(self, others: Any, path: str = "socket.io") -> App:
        """An ASGI application that answers at ``path`` and leaves the rest to ``others``."""
        both = socketio.ASGIApp(self.server, others, socketio_path=path)
        polling = Polling(both, LARGEST_MESSAGE, self.seats, self._origin_allowed, self.clock)
        return Gatekeeper(both, path, LARGEST_MESSAGE, self.seats, polling, self.clock)

    @property
    def listeners(self) -> int:
        """Clients that want the update events and not the names of sections."""
        return len(self._older)

    def _origin_allowed(self, origin: str | None, environ: dict[str, Any]) -> bool:
        if origin is None or origin.rstrip("/") in self.origins:
            return True
        try:
            return bool(urlsplit(origin).netloc == environ.get("HTTP_HOST", ""))
        except ValueError:
            return False

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        connection = self.server.eio.sockets[self.server.manager.eio_sid_from_sid(sid, "/")]
        wish = auth if isinstance(auth, dict) else {}
        # Both come after the answer to this very request, which is sent as soon as this function ends.
        afterwards = asyncio.get_running_loop().call_soon
        try:
            scope, until = await self._admitted(wish, environ)
        except ConnectionRefusedError:
            if connection.upgraded:
                afterwards(end, connection)
            # By polling it stays for its answer, as a stranger, for a while.
            raise
        extensions = environ["asgi.scope"].get("extensions") or {}
        write = extensions[AT_ONCE]["write"] if AT_ONCE in extensions else _nothing_at_once
        client = Client(sid, scope, until, self.clock, connection, write, self._stale, self._forget)
        self._clients[sid] = client
        self.seats.welcome(connection.sid)
        self.on_viewer()
        afterwards(self._greet, client, bool(wish.get("fragments")))

    async def _admitted(self, wish: Mapping[str, object], environ: Mapping[str, Any]) -> tuple[str, float]:
        """What the client may follow, and until when by the clock's ``monotonic``.

        Raises ConnectionRefusedError, which tells it why not.
        """
        until = self.allowed(_token(wish, environ), cookies_in(environ.get("HTTP_COOKIE", "")))
        if until is None:
            raise ConnectionRefusedError("unauthorized")
        if self.hub.closing:
            raise ConnectionRefusedError("going away")
        if self.seats.full:
            raise ConnectionRefusedError("too many pages are open")
        scope = _scope(wish)
        try:
            await self.find(scope)
        except UnknownSession as error:
            raise ConnectionRefusedError(str(error)) from None
        except (DatabaseUnavailable, TableMissing) as error:
            # Those who look at what is current must hear when it is back.
            if scope != CURRENT:
                raise ConnectionRefusedError(str(error)) from None
        return scope, self.clock.monotonic() + (until - self.clock.since_1970())

    def _greet(self, client: Client, fragments: bool) -> None:
        if client.sid not in self._clients:
            return
        if fragments:
            client.send(Frame("hello", self.hub.hello(client.scope)))
            self.hub.add(client)
        else:
            client.send(Frame("connected", GREETING))
            self._older[client.sid] = client

    def _stale(self, versions: Mapping[str, str]) -> Frame:
        if versions is not self._news:
            self._news, self._frame = versions, Frame("stale", versions)
        return self._frame

    def _forget(self, client: Client) -> None:
        self.hub.remove(client)
        self._clients.pop(client.sid, None)
        self._older.pop(client.sid, None)
        self._asking.discard(client.sid)

    async def _disconnect(self, sid: str, _reason: object = None) -> None:
        client = self._clients.get(sid)
        if client is not None:
            client.let_go()

    async def _request_update(self, sid: str, *_ignored: object) -> None:
        self._asking.add(sid)
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer(), name="request_update")

    async def _answer(self) -> None:
        """The first who asks at once, then all who asked meanwhile together."""
        while self._asking:
            try:
                frame = Frame("metrics_update", await self.metrics())
            except Exception:
                log.exception("request_update failed")
                self._asking.clear()
                return
            asking, self._asking = self._asking, set()
            for sid in asking & self._clients.keys():
                self._clients[sid].send(frame)
            await asyncio.sleep(QUIET)

    async def emit(self, event: str, payload: object) -> None:
        """To every client that wants the update events."""
        frame = Frame(event, payload)
        for client in tuple(self._older.values()):
            client.send(frame)

    async def close(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        await self.server.shutdown()


def _nothing_at_once(_frame: bytes) -> bool:
    """Under a server that is not ours everything waits for its turn."""
    return False


def _scope(wish: Mapping[str, object]) -> str:
    """The scope asked for, by ``session`` or by ``bot``; what is neither text nor a number names none."""
    bot, session = wish.get("bot"), wish.get("session")
    if bot in (None, ""):
        return CURRENT if session in (None, "") else _name(session)
    return "?" if session not in (None, "") else f"{BOT}{_name(bot)}"


def _name(wanted: object) -> str:
    return str(wanted) if isinstance(wanted, str | int) and not isinstance(wanted, bool) else "?"


def _token(wish: Mapping[str, object], environ: Mapping[str, Any]) -> str:
    wished = wish.get("token")
    # JSON may carry half a surrogate pair, which is no text that could be compared.
    return (wished.encode(errors="replace").decode() if isinstance(wished, str) else "") or presented(
        environ.get("HTTP_X_DASHBOARD_TOKEN", ""), environ.get("HTTP_AUTHORIZATION", "")
    )
