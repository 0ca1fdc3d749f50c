"""Whether rows are stamped in the local time of the database's role, where the contract says UTC."""

from datetime import datetime, timedelta

import asyncpg

from monitoring.clock import Clock
from monitoring.database.errors import PlainErrors
from monitoring.database.pool import CONNECT_TIMEOUT_SECONDS, Database
from monitoring.database.refusals import refusals
from monitoring.lru import Lru

OFFSET = "SELECT extract(timezone FROM statement_timestamp())::int"
KEPT_SECONDS = 60.0
TOLERANCE = timedelta(minutes=2)
MAX_KEPT_ROWS = 1000
NO_TIME = timedelta()
STEP = timedelta(minutes=15)
"""Offsets of time zones are multiples of it ..."""
MAX_OFFSET = timedelta(hours=14)
"""... and no larger."""
MAX_LEAD = MAX_OFFSET + TOLERANCE
"""By how much a row that was written just now may lie in the future."""


class RoleTime:
    """The offset of the role's time zone, asked for only where rows look as if they had one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: tuple[float, timedelta] | None = None
        self._recognised: Lru[datetime, tuple[datetime, timedelta]] = Lru(MAX_KEPT_ROWS)
        """By the time of a row when it was last found to be off, and by what."""

    async def offset_of(self, newest: datetime | None, now: datetime, pause: timedelta = NO_TIME) -> timedelta | None:
        """By what the newest row is off, if that is the offset of the role's time zone; None for a row in UTC.

        That shows while the row is new. It holds for as long as the row stays the newest, ``pause`` at most: engines
        write rarely. Raises DatabaseUnavailable.
        """
        if newest is None:
            return None
        if looks_local(newest - now):
            offset = await self._offset()
            if offset and abs(newest - now - offset) <= TOLERANCE:
                return self._recognised.put(newest, (now, offset))[1]
        recognised = self._recognised.get(newest)
        return recognised[1] if recognised and now - recognised[0] <= pause else None

    async def _offset(self) -> timedelta:
        at = self._clock.monotonic()
        if self._known is None or at - self._known[0] > KEPT_SECONDS:
            self._known = at, await role_offset(self._database.url, self._database.name)
        return self._known[1]


def looks_local(lead: timedelta) -> bool:
    """Whether a row that is so far ahead of now may have been written just now, in another time zone."""
    nearest = round(lead / STEP) * STEP
    return bool(nearest) and abs(nearest) <= MAX_OFFSET and abs(lead - nearest) <= TOLERANCE


async def role_offset(url: str, name: str) -> timedelta:
    """How far the role's local time is ahead of UTC now. Raises DatabaseUnavailable.

    Asked over a connection of its own: all others are set to UTC.
    """
    with PlainErrors(name), refusals(url):
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS, statement_cache_size=0)
        try:
            return timedelta(seconds=await connection.fetchval(OFFSET, timeout=CONNECT_TIMEOUT_SECONDS))
        finally:
            connection.terminate()


def sentence(offset: timedelta) -> str:
    """What to say of rows that are off by the role's offset."""
    hours = offset.total_seconds() / 3600
    return (
        f"rows are stamped in the local time of the database's role, {hours:+g} h from UTC: "
        "their times cannot be read; set the time zone of the role or the server to UTC"
    )
