"""Waits that can be ended together, when the server that all of them wait for has fallen silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Waits:
    """The waits that are under way."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """The body raises TimeoutError when somebody calls :meth:`interrupt`."""
        async with asyncio.timeout(None) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def interrupt(self) -> None:
        for limit in self._limits:
            limit.reschedule(0.0)  # which is long ago
