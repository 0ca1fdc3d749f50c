"""Waits for what happens in other tasks and other processes, which tell nobody."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

Condition = Callable[[], bool] | Callable[[], Awaitable[bool]]


async def until(condition: Condition, within: float = 5) -> None:
    """Returns as soon as ``condition`` holds. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not await _holds(condition):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


async def _holds(condition: Condition) -> bool:
    found = condition()
    return bool(await found) if inspect.isawaitable(found) else found
