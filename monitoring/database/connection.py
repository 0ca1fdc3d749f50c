"""A connection that is asked in the contract's words, whatever the tables look like by now."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from monitoring.database.capabilities import Capabilities

SERVER_SETTINGS = {"timezone": "UTC", "application_name": "atb-monitoring"}
"""The only start-up parameters that poolers let pass."""
READ_ONLY_SETUP = """
SET default_transaction_read_only = on;
SET statement_timeout = '5s';
SET max_parallel_workers_per_gather = 0;
SET lock_timeout = '200ms';
SET idle_in_transaction_session_timeout = '30s';
SET tcp_keepalives_idle = 60;
"""

EPOCH = datetime(2000, 1, 1)
"""What PostgreSQL counts microseconds from."""
MICROSECOND = timedelta(microseconds=1)
ENDS = {datetime.max: 2**63 - 1, datetime.min: -(2**63)}  # noqa: DTZ901 - naive UTC, as all times here
"""How it stores infinite times."""


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's, but what it fetches is translated by the present capabilities; what it executes is not."""

    capabilities: Callable[[], Capabilities] = Capabilities
    """What there is now; whoever connects says where that is found."""

    async def take_times(self) -> None:
        """``timestamptz`` comes and goes as naive UTC, as ``timestamp`` does: a query need not know which it is.

        Times and days outside the years 1 to 9999 are read as the ends of time, as infinite ones are: asyncpg would
        fail.
        """
        for kind in ("timestamp", "timestamptz"):
            await self._take(kind, _microseconds, _moment)
        await self._take("date", _days, _date)

    async def _take(self, kind: str, encoder: Callable[..., object], decoder: Callable[..., object]) -> None:
        await self.set_type_codec(kind, schema="pg_catalog", encoder=encoder, decoder=decoder, format="tuple")

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
    try:
        return EPOCH + timedelta(microseconds=stored[0])
    except OverflowError:
        return datetime.max if stored[0] > 0 else datetime.min  # noqa: DTZ901 - naive UTC, as all times here


def _days(day: date) -> tuple[int]:
    return ((day - EPOCH.date()).days,)


def _date(stored: tuple[int]) -> date:
    try:
        return EPOCH.date() + timedelta(days=stored[0])
    except OverflowError:
        return date.max if stored[0] > 0 else date.min
