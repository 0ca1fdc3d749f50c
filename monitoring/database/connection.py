"""A connection that is asked in the contract's words, whatever the tables look like by now."""

from collections.abc import Callable
from typing import Any

import asyncpg

from monitoring.database.capabilities import Capabilities


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's, but what it fetches is translated by the present capabilities; what it executes is not."""

    capabilities: Callable[[], Capabilities] = Capabilities
    """What there is now; whoever connects says where that is found."""

    def _translated(self, query: str) -> str:
        return self.capabilities().translated(query)

    async def fetch(self, query: str, *arguments: Any, **options: Any) -> Any:
        return await super().fetch(self._translated(query), *arguments, **options)

    async def fetchrow(self, query: str, *arguments: Any, **options: Any) -> Any:
        return await super().fetchrow(self._translated(query), *arguments, **options)

    async def fetchval(self, query: str, *arguments: Any, **options: Any) -> Any:
        return await super().fetchval(self._translated(query), *arguments, **options)

    async def copy_from_query(self, query: str, *arguments: Any, **options: Any) -> Any:
        return await super().copy_from_query(self._translated(query), *arguments, **options)
