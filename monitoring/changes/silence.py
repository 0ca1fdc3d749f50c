"""Notices that the server does not answer: it is frozen, or the link to it lets hardly anything pass."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

SILENT_SECONDS = 0.8
"""After so many seconds without an answer figures count as old. Requests are to be answered within a second."""
SILENT_TICK_COUNT = 2
"""There are two ticks, so that an answer which arrived while our own work took long is heard between them."""
DEAD_TICK_COUNT = 6
"""A query may just be slow, so the server counts as dead later than when it does not even answer a token."""


@dataclass(slots=True)
class Silence:
    """Calls ``fell_silent`` when a poll has waited so long for an answer, and again while it still waits."""

    fell_silent: Callable[[], None]
    _asks_token: bool = False
    _ticks: int = 0
    _timer: asyncio.TimerHandle | None = None

    @property
    def is_dead(self) -> bool:
        """Whether queries of others that are under way can be given up, too."""
        return self._asks_token or self._ticks >= DEAD_TICK_COUNT

    def listen(self, connection: asyncpg.Connection) -> None:
        """Hears every answer that ``connection`` gets."""
        connection.add_query_logger(self._heard)

    def begin(self, *, pooled: bool) -> None:
        """A poll begins and asks for the token. ``pooled``: a pooler may let that wait behind our other queries."""
        self._asks_token, self._ticks = not pooled, 0
        self._wait()

    def end(self) -> None:
        """No answer is awaited any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _heard(self, _query: object) -> None:
        if self._timer is not None:
            self._asks_token, self._ticks = False, 0
            self._wait()

    def _wait(self) -> None:
        self.end()
        self._timer = asyncio.get_running_loop().call_later(SILENT_SECONDS / SILENT_TICK_COUNT, self._tick)

    def _tick(self) -> None:
        self._ticks += 1
        self._wait()
        if self._ticks >= SILENT_TICK_COUNT:
            self.fell_silent()
