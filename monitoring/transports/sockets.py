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
from monitoring.layers import App, Receive, Scope, Send, local_path
from monitoring.reading.reader import Reader
from monitoring.scope_key import CURRENT, ScopeKey, UnknownSession, parse_scope
from monitoring.signals.hub import Hub
from monitoring.signals.subscription import Subscription
from monitoring.transports.clients import Client, event, writer
from monitoring.transports.connections import ConnectionLimit, close
from monitoring.transports.current_metrics import CurrentMetrics
from monitoring.transports.event_buffer import EventStreams
from monitoring.transports.polling_guard import PollingGuard
from monitoring.transports.websocket_guard import WebSocketGuard

log = logging.getLogger(__name__)

PATH = "/socket.io/"
PING_INTERVAL_SECONDS, PING_TIMEOUT_SECONDS = 5, 7
"""A page that has heard nothing for both says so."""
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
    streams: EventStreams
    feed: Feed
    server: socketio.AsyncServer = field(init=False)
    limit: ConnectionLimit = field(init=False)
    _clients: dict[str, Client] = field(default_factory=dict)
    """By ``sid``: pages, which listen to the hub, and older clients, which want the update events."""
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
        self.limit = ConnectionLimit(self.server.eio, self.hub, self._clients)
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)
        self.server.on("request_update", self._request_update)

    def layer(self, others: App) -> App:
        """An ASGI application that answers at PATH, and leaves the rest to ``others``."""
        engine = self.server.handle_request
        websockets = WebSocketGuard(engine, MAX_MESSAGE_BYTES, self.limit, self.clock)
        polling = PollingGuard(engine, MAX_MESSAGE_BYTES, self.limit, self.admission, self.clock)

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            ours = scope["type"] in ("http", "websocket") and f"{local_path(scope)}/".startswith(PATH)
            handler = (polling if scope["type"] == "http" else websockets) if ours else others
            await handler(scope, receive, send)

        return application

    def _origin_allowed(self, origin: str | None, environ: Mapping[str, str]) -> bool:
        host, fetch_site = environ.get("HTTP_HOST", ""), environ.get("HTTP_SEC_FETCH_SITE")
        return not self.admission.is_foreign(origin, host, fetch_site)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        connection = self.server.eio.sockets[self.server.manager.eio_sid_from_sid(sid, "/")]
        options = auth if isinstance(auth, dict) else {}
        try:
            scope, until = await self._admit(options, environ)
        except ConnectionRefusedError:
            if connection.upgraded:
                # Behind the answer to this very request, which is sent as soon as this function ends.
                asyncio.get_running_loop().call_soon(close, connection)
            # A connection by polling stays until its answer is fetched; it is anonymous, so not for long.
            raise
        if connection.closing or connection.closed:
            # It went while it was let in, of which the library tells nobody.
            raise ConnectionRefusedError("gone")
        client = Client(connection, Subscription(scope), until, writer(connection, environ))
        self._clients[sid] = client
        self.limit.let_in(connection.sid)
        self.feed.wake()
        client.task = asyncio.create_task(self._serve(client, bool(options.get("fragments"))), name="socket")

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

    async def _serve(self, client: Client, is_page: bool) -> None:
        try:
            await client.serve(self._greeting(client, is_page), self.clock)
        except OSError:
            pass  # It has gone, and the library says so.
        except Exception:
            log.exception("a client of Socket.IO could not be written to")
            close(client.connection)
        finally:
            self.hub.remove(client.subscription)
            self.streams.leave(client.updates)

    def _greeting(self, client: Client, is_page: bool) -> str:
        """What is sent first. From then on the client is sent what it is here for."""
        if is_page:
            self.hub.add(client.subscription)
            return event("hello", self.hub.hello(client.subscription.scope))
        self.streams.join(client.updates)
        return event("connected", GREETING)

    async def _disconnect(self, sid: str, _reason: object = None) -> None:
        client = self._clients.pop(sid, None)
        if client is not None:
            client.task.cancel()

    async def _request_update(self, sid: str, *_ignored: object) -> None:
        self._asking.add(sid)
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer(), name="request_update")

    async def _answer(self) -> None:
        """Reads the metrics once for all clients that have asked, as long as there are any."""
        while self._asking:
            try:
                metrics = await self.metrics.read_or_empty()
            except Exception:
                log.exception("request_update failed")
                self._asking.clear()
                return
            asking, self._asking = self._asking, set()
            for client in filter(None, map(self._clients.get, asking)):
                client.updates.add("metrics_update", metrics)
            await asyncio.sleep(REQUEST_UPDATE_SECONDS)

    async def close(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        for client in self._clients.values():
            client.task.cancel()
        await self.server.shutdown()


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
