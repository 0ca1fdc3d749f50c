"""The Socket.IO server alone, and what it complained of."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from quart import Quart

from monitoring.admission import Admission
from monitoring.clock import Clock
from monitoring.config import load_settings
from monitoring.layers import App, Receive, Scope, Send
from monitoring.scope_key import CURRENT, ScopeKey, SessionScope, UnknownSession
from monitoring.signals.hub import Hub
from monitoring.transports.event_buffer import EventStreams
from monitoring.transports.sockets import Sockets
from tests.clocks import RunningClock
from tests.serving import served
from tests.waiting import until

SETTINGS = {"DATABASE_URL": "postgresql://nowhere/none", "MONITORING_CORS_ALLOWED_ORIGINS": "https://friend.example"}


async def nothing_else(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError(f"{scope['type']}: nothing but Socket.IO here")


class BareSockets:
    """The Socket.IO server without a dashboard behind it: it is admission, reader, metrics and feed itself."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self.may_read_until: float | None = math.inf
        self.computed = 0
        app = Quart("bare")
        app.secret_key = "bare"
        self.is_foreign = Admission(app, load_settings(SETTINGS)).is_foreign
        self.streams = EventStreams()
        self.sockets = Sockets(hub, clock, self, self, self, self.streams, self)

    @property
    def app(self) -> App:
        return self.sockets.layer(nothing_else)

    def wake(self) -> None:
        """There is no feed that would have to hurry."""

    def until(self, _token: str, _cookies: object) -> float | None:
        return self.may_read_until

    async def session(self, scope: ScopeKey) -> None:
        if scope not in (CURRENT, SessionScope(7)):
            raise UnknownSession(str(scope))

    async def read_or_empty(self) -> object:
        self.computed += 1
        await asyncio.sleep(0.01)
        return {"computed": self.computed}


class Bare(BareSockets):
    """The same at an address, with a clock that a test moves, and a current session 7."""

    def __init__(self) -> None:
        self.clock = RunningClock()
        self.hub = Hub(("trade_list", "risk_now"), self.clock.clock, throttle_seconds=0.2)
        self.hub.define(CURRENT, [7])
        self.host = ""
        super().__init__(self.hub, self.clock.clock)

    async def empty(self) -> None:
        """Waits until the last connection is closed."""
        await until(lambda: not self.sockets.server.eio.sockets)


@asynccontextmanager
async def serving() -> AsyncIterator[Bare]:
    made = Bare()
    async with served(made.app) as host:
        made.host = host
        yield made
    await made.sockets.close()


def complaints(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelno >= logging.WARNING or record.exc_info]
