"""A connection that is asked in the contract's words, whatever the tables look like by now."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from monitoring.database.capabilities import Capabilities

EPOCH = datetime(2000, 1, 1)
"""What PostgreSQL counts microseconds from."""
MICROSECOND = timedelta(microseconds=1)
ENDS = {datetime.max: 2**63 - 1, datetime.min: -(2**63)}  # noqa: DTZ901 - naive UTC, as all times here
"""How it stores infinite times."""


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's, but what it fetches is translated by the present capabilities; what it executes is not."""

    capabilities: Callable[[], Capabilities] = Capabilities
    """What there is now; whoever connects says where that is found."""

    async def take_times_as_utc(self) -> None:
        """``timestamptz`` comes and goes as naive UTC, as ``timestamp`` does: a query need not know which it is."""
        codec = {"encoder": _microseconds, "decoder": _moment, "format": "tuple"}
        await self.set_type_codec("timestamptz", schema="pg_catalog", **codec)

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


def _microseconds(moment: datetime) -> tuple[int]:
    return (ENDS.get(moment, (moment - EPOCH) // MICROSECOND),)


def _moment(stored: tuple[int]) -> datetime:
    end = next((moment for moment, number in ENDS.items() if number == stored[0]), None)
    return EPOCH + stored[0] * MICROSECOND if end is None else end
