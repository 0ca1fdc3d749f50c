"""Background tasks that never die silently: one that fails is logged, started again, and shown by /ready."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from monitoring.backoff import Backoff
from monitoring.clock import Clock

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 30.0
"""Before a failed task is started again."""


@dataclass(slots=True)
class TaskState:
    """How a task is doing. ``failures`` counts since the start; ``error`` names the last one."""

    running: bool = False
    failures: int = 0
    error: str | None = None


class Tasks:
    """The application's background tasks, by name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.states: dict[str, TaskState] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs ``work`` until :meth:`stop`, again whenever it fails or returns."""
        self.states[name] = TaskState()
        self._tasks.append(asyncio.create_task(self._supervise(name, work), name=name))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        state = self.states[name]
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS, self._clock)
        while True:
            state.running = True
            try:
                await work()
                state.error = "ended unexpectedly"
            except asyncio.CancelledError:
                raise
            except Exception as error:
                state.error = type(error).__name__
                log.exception("background task %s failed and is started again", name)
            finally:
                state.running = False
            state.failures += 1
            await asyncio.sleep(backoff.next())
