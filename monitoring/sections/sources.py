"""Which tables something is read from: noted while it is read, so that no list of them can be wrong.

A query names its tables. What is in memory – the projections, the facts – names them for each of its parts.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import asyncpg

from monitoring.database.capabilities import TABLE_NAMES

Tables = frozenset[str]
NO_TABLES: Tables = frozenset()


@lru_cache(maxsize=1000)
def tables_in(query: str) -> Tables:
    """The engine's tables that a query names."""
    return frozenset(TABLE_NAMES.findall(query))


class TracedConnection:
    """A connection that adds the tables of each query to ``reads``."""

    def __init__(self, connection: asyncpg.Connection, reads: set[str]) -> None:
        self._connection = connection
        self._reads = reads

    async def fetch(self, query: str, *arguments: object) -> Any:
        self._reads |= tables_in(query)
        return await self._connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: object) -> Any:
        self._reads |= tables_in(query)
        return await self._connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        self._reads |= tables_in(query)
        return await self._connection.fetchval(query, *arguments)


class Traced:
    """An object that adds the tables of each attribute to ``reads`` when that is read.

    A property counts as what it reads itself. Raises LookupError for an attribute of which no tables are known.
    """

    def __init__(self, traced: object, sources: Mapping[str, Tables], reads: set[str]) -> None:
        self._traced = traced
        self._sources = sources
        self._reads = reads

    def __getattr__(self, name: str) -> Any:
        of_class = getattr(type(self._traced), name, None)
        if isinstance(of_class, property) and of_class.fget is not None:
            return of_class.fget(self)
        value = getattr(self._traced, name)
        if name not in self._sources:
            raise LookupError(f"{type(self._traced).__name__}.{name}: it is not known which tables it is read from")
        self._reads |= self._sources[name]
        return value
