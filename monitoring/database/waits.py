"""Waits that end together: nobody goes on waiting for a server that has fallen silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Waits:
    """Those who wait at present."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """What is waited for in here ends in a TimeoutError when somebody calls :meth:`interrupt`."""
        async with asyncio.timeout(None) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def interrupt(self) -> None:
        for limit in self._limits:
            limit.reschedule(0.0)  # which is long ago
