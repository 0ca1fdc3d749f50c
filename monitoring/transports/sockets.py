"""Socket.IO: the names of stale sections for our own page, and the update events that older clients know."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import socketio
from socketio.exceptions import ConnectionRefusedError

from monitoring.admission import Admission, cookies_in, presented
from monitoring.changes.feed import Feed
from monitoring.clock import Clock
from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.reading.reader import Reader
from monitoring.scope_key import CURRENT, ScopeKey, UnknownSession, parse_scope
from monitoring.signals.hub import Hub
from monitoring.transports.clients import WRITE_AT_ONCE, Client, Clients, Frame
from monitoring.transports.connections import ConnectionLimit, close
from monitoring.transports.current_metrics import CurrentMetrics
from monitoring.transports.polling_guard import PollingGuard
from monitoring.transports.websocket_guard import App, WebSocketGuard

log = logging.getLogger(__name__)

PING_INTERVAL_SECONDS, PING_TIMEOUT_SECONDS = 15, 10
MAX_MESSAGE_BYTES = 16_384
REQUEST_UPDATE_SECONDS = 1.0
"""Between two answers to ``request_update``; each goes to all clients that have asked."""
GREETING = {"status": "Connected to monitoring dashboard"}


@dataclass(slots=True)
class Sockets:
    """The Socket.IO server."""

    hub: Hub
    clock: Clock
    admission: Admission
    reader: Reader
    metrics: CurrentMetrics
    feed: Feed
    server: socketio.AsyncServer = field(init=False)
    limit: ConnectionLimit = field(init=False)
    _clients: Clients = field(init=False)
    _asking: set[str] = field(default_factory=set)
    _answering: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            transports=["websocket", "polling"],
            # Messages of one client are handled one after the other: a client that sends many slows down itself.
            async_handlers=False,
            ping_interval=PING_INTERVAL_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            cors_allowed_origins=self._origin_allowed,
            # Without a logger of our own each of the two would print its lines itself.
            logger=logging.getLogger("socketio.server"),
            engineio_logger=logging.getLogger("engineio.server"),
        )
        self._clients = Clients(self.hub, self.clock)
        self.limit = ConnectionLimit(self.server.eio, self.hub, self._clients)
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)
        self.server.on("request_update", self._request_update)

    def application(self, others: Any, path: str = "socket.io") -> App:
        """An ASGI application that answers at ``path`` and leaves the rest to ``others``."""
        both = socketio.ASGIApp(self.server, others, socketio_path=path)
        polling = PollingGuard(both, MAX_MESSAGE_BYTES, self.limit, self.admission, self.clock)
        return WebSocketGuard(both, path, MAX_MESSAGE_BYTES, self.limit, polling, self.clock)

    @property
    def listeners(self) -> int:
        """How many clients want the update events instead of the names of sections."""
        return len(self._clients.legacy)

    def _origin_allowed(self, origin: str | None, environ: Mapping[str, str]) -> bool:
        host, fetch_site = environ.get("HTTP_HOST", ""), environ.get("HTTP_SEC_FETCH_SITE")
        return not self.admission.is_foreign(origin, host, fetch_site)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        connection = self.server.eio.sockets[self.server.manager.eio_sid_from_sid(sid, "/")]
        options = auth if isinstance(auth, dict) else {}
        # Both follow the answer to this very request, which is sent as soon as this function ends.
        afterwards = asyncio.get_running_loop().call_soon
        try:
            scope, until = await self._admit(options, environ)
        except ConnectionRefusedError:
            if connection.upgraded:
                afterwards(close, connection)
            # A connection by polling stays until its answer is fetched; it is anonymous, so not for long.
            raise
        extensions = environ["asgi.scope"].get("extensions") or {}
        write = extensions[WRITE_AT_ONCE]["write"] if WRITE_AT_ONCE in extensions else _never_at_once
        client = Client(sid, scope, until, connection, write, self._clients)
        self._clients.add(client)
        self.limit.let_in(connection.sid)
        self.feed.wake()
        afterwards(self._greet, client, bool(options.get("fragments")))

    async def _admit(self, options: Mapping[str, object], environ: Mapping[str, Any]) -> tuple[ScopeKey, float]:
        """Which scope the client may follow, and until when by the clock's ``monotonic``.

        Raises ConnectionRefusedError, which tells the client why it may not.
        """
        until = self.admission.until(_token(options, environ), cookies_in(environ.get("HTTP_COOKIE", "")))
        if until is None:
            raise ConnectionRefusedError("unauthorized")
        if self.hub.closing:
            raise ConnectionRefusedError("going away")
        if self.limit.full:
            raise ConnectionRefusedError("too many pages are open")
        return await self._known_scope(options), self.clock.monotonic() + (until - self.clock.since_1970())

    async def _known_scope(self, options: Mapping[str, object]) -> ScopeKey:
        scope: ScopeKey = CURRENT
        try:
            scope = _scope(options)
            await self.reader.session(scope)
        except UnknownSession as error:
            raise ConnectionRefusedError(str(error)) from None
        except (DatabaseUnavailable, TableMissing) as error:
            # Clients of the current scope stay, so that they hear when the database is back.
            if scope != CURRENT:
                raise ConnectionRefusedError(str(error)) from None
        return scope

    def _greet(self, client: Client, is_page: bool) -> None:
        if self._clients.get(client.sid) is None:
            return
        if is_page:
            client.send_in_turn(Frame("hello", self.hub.hello(client.scope)))
            self._clients.add_page(client)
        else:
            client.send_in_turn(Frame("connected", GREETING))
            self._clients.add_legacy(client)

    async def _disconnect(self, sid: str, _reason: object = None) -> None:
        client = self._clients.get(sid)
        if client is not None:
            client.disconnect()

    async def _request_update(self, sid: str, *_ignored: object) -> None:
        self._asking.add(sid)
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer(), name="request_update")

    async def _answer(self) -> None:
        """Reads the metrics once for all clients that have asked, as long as there are any."""
        while self._asking:
            try:
                frame = Frame("metrics_update", await self.metrics.read_or_empty())
            except Exception:
                log.exception("request_update failed")
                self._asking.clear()
                return
            asking, self._asking = self._asking, set()
            for client in filter(None, map(self._clients.get, asking)):
                client.send(frame)
            await asyncio.sleep(REQUEST_UPDATE_SECONDS)

    async def emit(self, event: str, payload: object) -> None:
        """Sends an event to every client that wants the update events."""
        frame = Frame(event, payload)
        for client in self._clients.legacy:
            client.send(frame)

    async def close(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        await self.server.shutdown()


def _never_at_once(_frame: bytes) -> bool:
    """Under a server that is not ours everything goes through Engine.IO's queue."""
    return False


def _scope(options: Mapping[str, object]) -> ScopeKey:
    """The scope asked for, by ``session`` or by ``bot``; both name none. Raises UnknownSession."""
    bot, session = options.get("bot"), options.get("session")
    if bot not in (None, "") and session not in (None, ""):
        raise UnknownSession("session=?")
    return parse_scope(session, bot)


def _token(options: Mapping[str, object], environ: Mapping[str, Any]) -> str:
    token = options.get("token")
    # JSON may carry half a surrogate pair, which is no text that could be compared.
    return (token.encode(errors="replace").decode() if isinstance(token, str) else "") or presented(
        environ.get("HTTP_X_DASHBOARD_TOKEN", ""), environ.get("HTTP_AUTHORIZATION", "")
    )
