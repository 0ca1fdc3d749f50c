"""Notices a server that owes an answer: it is frozen, or the link to it lets hardly anything pass."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

SILENT_SECONDS = 0.8
"""Seconds without any answer, after which figures count as old; whoever waits is to be answered within a second."""
SILENT_TICK_COUNT = 2
"""More than one: where our own work took long, an answer that lies there is heard before the next tick."""
DEAD_TICK_COUNT = 6
"""The query that is not answered may be slow; a token costs a server nothing."""


@dataclass(slots=True)
class Silence:
    """Calls ``fell_silent`` when a poll has waited so long for an answer, and again while it still waits."""

    fell_silent: Callable[[], None]
    _asks_token: bool = False
    _ticks: int = 0
    _timer: asyncio.TimerHandle | None = None

    @property
    def is_dead(self) -> bool:
        """Whether nobody else need wait for the server either."""
        return self._asks_token or self._ticks >= DEAD_TICK_COUNT

    def listen(self, connection: asyncpg.Connection) -> None:
        """Hears every answer that ``connection`` gets."""
        connection.add_query_logger(self._heard)

    def begin(self, *, pooled: bool) -> None:
        """A poll begins, with a question for the token; ``pooled``: which may wait for other queries of ours."""
        self._asks_token, self._ticks = not pooled, 0
        self._wait()

    def end(self) -> None:
        """Nothing is waited for."""
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
