"""A background task that fails is started again, and says that it failed."""

import asyncio
import logging

import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.tasks import Tasks
from tests.waiting import WAIT_SECONDS, until


async def test_a_task_that_fails_is_started_again_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    tasks, runs, again = Tasks(SYSTEM_CLOCK), [0], asyncio.Event()

    async def work() -> None:
        runs[0] += 1
        if runs[0] == 1:
            raise ZeroDivisionError("for the log")
        again.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR):
        tasks.start("worker", work)
        await asyncio.wait_for(again.wait(), WAIT_SECONDS)
    state = tasks.states["worker"]
    assert (state.running, state.failures, state.error) == (True, 1, "ZeroDivisionError")
    assert "worker" in caplog.text
    assert "for the log" in caplog.text
    await tasks.stop()


async def test_a_task_that_returns_has_failed_too() -> None:
    tasks = Tasks(SYSTEM_CLOCK)

    async def work() -> None:
        return

    tasks.start("worker", work)
    await until(lambda: tasks.states["worker"].failures > 0)
    assert tasks.states["worker"].error == "ended unexpectedly"
    await tasks.stop()


async def test_stopping_ends_every_task_at_once() -> None:
    tasks, started = Tasks(SYSTEM_CLOCK), asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    tasks.start("worker", work)
    await started.wait()
    await asyncio.wait_for(tasks.stop(), WAIT_SECONDS)
    assert not tasks.states["worker"].running
