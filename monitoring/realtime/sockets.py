"""Socket.IO: the names of stale sections for our own page, and the update events that older clients know."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import socketio
from socketio.exceptions import ConnectionRefusedError

from monitoring.realtime.hub import Hub, Subscription

log = logging.getLogger(__name__)

PING_INTERVAL, PING_TIMEOUT = 15, 10
LARGEST_MESSAGE = 16_384
WAIT = 3600.0
SCOPE_LENGTH = 19

Payload = Callable[[], Awaitable[object]]
Allowed = Callable[[str, Mapping[str, str]], bool]
"""Token presented in ``auth`` or a header, and the request's cookies → may this client read?"""


@dataclass(slots=True)
class Client:
    """One connected page: a subscription, and the task that passes it on."""

    subscription: Subscription
    task: asyncio.Task[None]


@dataclass(slots=True)
class Sockets:
    """The Socket.IO server. ``metrics`` makes the payload of ``metrics_update``."""

    hub: Hub
    allowed: Allowed
    origins: tuple[str, ...]
    metrics: Payload
    on_viewer: Callable[[], None]
    server: socketio.AsyncServer = field(init=False)
    _clients: dict[str, Client] = field(default_factory=dict)
    _older: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            transports=["websocket"],
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
            max_http_buffer_size=LARGEST_MESSAGE,
            cors_allowed_origins=self._origin_allowed,
            logger=False,
            engineio_logger=False,
        )
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)
        self.server.on("request_update", self._request_update)

    @property
    def listeners(self) -> int:
        """Clients that want the update events and not the names of sections."""
        return len(self._older)

    def _origin_allowed(self, origin: str | None, environ: dict[str, Any]) -> bool:
        if origin is None:
            return True
        return origin.rstrip("/") in self.origins or urlsplit(origin).netloc == environ.get("HTTP_HOST", "")

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        wish = auth if isinstance(auth, dict) else {}
        if not self.allowed(_token(wish, environ), _cookies(environ)):
            raise ConnectionRefusedError("unauthorized")
        if self.hub.closing:
            raise ConnectionRefusedError("going away")
        self.on_viewer()
        await self.server.emit("connected", {"status": "Connected to monitoring dashboard"}, to=sid)
        if wish.get("fragments"):
            self._follow(sid, str(wish.get("session") or "current")[:SCOPE_LENGTH])
        else:
            self._older.add(sid)
            await self.server.enter_room(sid, "updates")

    def _follow(self, sid: str, scope: str) -> None:
        subscription = self.hub.subscribe(scope)
        task = asyncio.create_task(self._pass_on(sid, subscription), name=f"socket {sid}")
        self._clients[sid] = Client(subscription, task)

    async def _pass_on(self, sid: str, subscription: Subscription) -> None:
        await self.server.emit("hello", {"versions": self.hub.versions(subscription.scope)}, to=sid)
        while not subscription.closed:
            stale = await subscription.next(WAIT)
            if stale:
                await self.server.emit("stale", stale, to=sid)

    async def _disconnect(self, sid: str, _reason: object = None) -> None:
        self._older.discard(sid)
        client = self._clients.pop(sid, None)
        if client is not None:
            self.hub.unsubscribe(client.subscription)
            client.task.cancel()

    async def _request_update(self, sid: str, _data: object = None) -> None:
        await self.server.emit("metrics_update", await self.metrics(), to=sid)

    async def emit(self, event: str, payload: object) -> None:
        """To every client that wants the update events."""
        await self.server.emit(event, payload, room="updates")

    async def close(self) -> None:
        for client in self._clients.values():
            client.task.cancel()
        await self.server.shutdown()


def _token(wish: Mapping[str, object], environ: Mapping[str, Any]) -> str:
    bearer = str(environ.get("HTTP_AUTHORIZATION", ""))
    return (
        str(wish.get("token") or "")
        or str(environ.get("HTTP_X_DASHBOARD_TOKEN", ""))
        or (bearer[7:].strip() if bearer.lower().startswith("bearer ") else "")
    )


def _cookies(environ: Mapping[str, Any]) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(environ.get("HTTP_COOKIE", "")).items()}
    except CookieError:
        return {}
