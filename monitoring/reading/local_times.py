"""Whose rows are stamped in the local time of the database's role."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from monitoring.bots.chains import Chain
from monitoring.bots.neighbours import Neighbours
from monitoring.bots.roster import Roster
from monitoring.clock import MAX_CLOCK_SKEW, Clock
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.database.role_time import MAX_LEAD, RoleTime
from monitoring.metrics.rhythm import OFFLINE_FACTOR
from monitoring.metrics.troubles import OtherBot
from monitoring.projections import Projections


class LocalTimes:
    """Judges by signs of life, which may lie in the future."""

    def __init__(self, database: Database, projections: Projections, clock: Clock) -> None:
        self._role_time, self._projections = RoleTime(database, clock), projections

    async def offset(self, sessions: Sequence[int], timeframe: str, now: datetime) -> timedelta | None:
        """By what the rows of a bot are off; None for UTC, or where the zone of the role cannot be asked for.

        The newest row of all sessions counts, too, where the bot's own seems to be late: engines write rarely, and
        one that wrote in local time twenty minutes ago looks as if it had been silent for hours.
        """
        limit = timedelta(seconds=self._projections.signs.limit_seconds(sessions, timeframe, now + MAX_CLOCK_SKEW))
        own = self._newest(sessions, now)
        with suppress(DatabaseUnavailable):
            offset = await self._role_time.offset_of(own, now, OFFLINE_FACTOR * limit)
            if offset is None and (own is None or now - own > limit):
                return await self._role_time.offset_of(self._newest(self._projections.writing_sessions, now), now)
            return offset
        return None

    async def judged(self, found: Neighbours, roster: Roster, now: datetime) -> Neighbours:
        """Of the other bots none is silent whose times cannot be read."""
        return replace(
            found, others=tuple([await self._judged(one, roster.chain_of[one.id], now) for one in found.others])
        )

    async def _judged(self, other: OtherBot, chain: Chain, now: datetime) -> OtherBot:
        newest = chain[-1].session
        if other.silent and await self.offset([run.id for run in chain], newest.timeframe, now) is not None:
            return replace(other, silent=False, since=newest.start)
        return other

    def _newest(self, sessions: Collection[int], now: datetime) -> datetime | None:
        return self._projections.last_sign(sessions, now + MAX_LEAD)
