"""The Socket.IO server alone, and what it complained of."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from monitoring.hub import Hub
from monitoring.realtime.sockets import Sockets
from monitoring.scope import UnknownSession
from tests.clocks import RunningClock
from tests.serving import served
from tests.waiting import until


class Bare:
    """The Socket.IO server without a dashboard behind it."""

    def __init__(self) -> None:
        self.clock = RunningClock()
        self.hub = Hub(("trades", "risk"), self.clock.clock, quiet=0.2)
        self.hub.define("current", [7])
        self.until: float | None = math.inf
        self.computed = 0
        self.host = ""
        self.sockets = Sockets(
            hub=self.hub,
            clock=self.clock.clock,
            allowed=lambda _token, _cookies: self.until,
            origins=("https://friend.example",),
            find=self.find,
            metrics=self.metrics,
            on_viewer=lambda: None,
        )

    async def find(self, session: str) -> None:
        if session not in ("current", "7"):
            raise UnknownSession(session[:40])

    async def empty(self) -> None:
        """Waits until the last connection has been forgotten."""
        await until(lambda: not self.sockets.server.eio.sockets)

    async def metrics(self) -> object:
        self.computed += 1
        await asyncio.sleep(0.01)
        return {"computed": self.computed}


@asynccontextmanager
async def serving() -> AsyncIterator[Bare]:
    made = Bare()

    async def others(scope: dict[str, str], _receive: object, _send: object) -> None:
        raise RuntimeError(f"{scope['type']}: nothing but Socket.IO here")

    async with served(made.sockets.application(others)) as host:
        made.host = host
        yield made
    await made.sockets.close()


def complaints(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelno >= logging.WARNING or record.exc_info]
