"""Waits for what happens elsewhere: as long as a busy machine may take, for a test asks whether, and never how soon."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

WAIT_SECONDS = 30.0
"""The one limit of every wait in the tests; what takes longer has not happened."""

Condition = Callable[[], bool] | Callable[[], Awaitable[bool]]


def waiting() -> asyncio.Timeout:
    """``async with waiting():`` raises TimeoutError where its body does not end in time."""
    return asyncio.timeout(WAIT_SECONDS)


async def until(condition: Condition) -> None:
    """Returns as soon as ``condition`` holds: for other tasks and other processes, which tell nobody."""
    async with waiting():
        while not await _holds(condition):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


async def _holds(condition: Condition) -> bool:
    found = condition()
    return bool(await found) if inspect.isawaitable(found) else found
