"""The alerts of every bot that runs, found whether anybody looks or not."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from monitoring.bots.current import ended_at
from monitoring.bots.neighbours import neighbours
from monitoring.bots.roster import Roster
from monitoring.clock import MAX_CLOCK_SKEW, Clock
from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.source import Source
from monitoring.metrics.facts import Session
from monitoring.metrics.troubles import Alert
from monitoring.reading.bot_list import BotRow
from monitoring.reading.reader import Reader
from monitoring.scope import Scope
from monitoring.scope_key import BotScope, ScopeKey, SessionScope, UnknownSession
from monitoring.sections.troubles import read_alerts, sessions_with_findings

log = logging.getLogger(__name__)

WATCH_SECONDS = 10.0
LONGEST_WINDOW = timedelta(days=1, minutes=15)
"""So long after the end of a bot a row of it may still be an alert."""
WATCHED_MODES = ("LIVE", "PAPER")
OF_NEIGHBOURS = ("orphan_positions", "another_live_bot")
"""Alerts of what goes on beside a bot."""

SECTIONS_OF_ALERTS = ("attention", "attention_line")

Key = tuple[str, str | None]


class AlertWatch:
    """Evaluates the alerts of bots; informs pages and the log when one begins or ends."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._known: dict[int, dict[Key, Alert]] = {}
        """By bot those that held when it was last looked at."""
        self._broken: set[int] = set()
        """Bots whose alerts could not be found, for a reason that nobody foresaw."""

    async def of(self, requested: ScopeKey) -> tuple[Alert, ...]:
        """The alerts of the bot that a scope belongs to; none where the database holds no session.

        Raises UnknownSession, TableMissing, DatabaseUnavailable.
        """
        key = BotScope(requested.id) if isinstance(requested, SessionScope) else requested
        session = await self._reader.session(key)
        return () if session is None else await self._reader.read(Scope(session, key), read_alerts)

    async def counts(self, rows: Sequence[BotRow]) -> list[int]:
        """How many alerts each has. Raises DatabaseUnavailable."""
        roster, now = await self._reader.roster(), self._clock.now()
        beside = neighbours(roster, self._reader.projections, None, now)
        of_live = bool(beside.orphans) + len(beside.others)
        found = await self._reader.database.ask(lambda *source: sessions_with_findings(Source(*source), now))

        async def count(row: BotRow) -> int:
            bot = row.session
            with suppress(UnknownSession):  # It has just been deleted.
                if found.isdisjoint(bot.ids) and self._is_over(bot, roster, now):
                    return await self._count_of_ended(row) + (of_live if bot.mode == "LIVE" else 0)
                return len(await self.of(BotScope(bot.id)))
            return 0

        return [await count(row) for row in rows]

    async def _count_of_ended(self, row: BotRow) -> int:
        """Without what goes on beside it: only its books can be wrong, unless it left positions open."""
        if row.open_positions == 0:
            return int(row.books_disagree)
        return sum(one.code not in OF_NEIGHBOURS for one in await self.of(BotScope(row.session.id)))

    def _is_over(self, bot: Session, roster: Roster, now: datetime) -> bool:
        """Whether a bot ended, and wrote its last row, so long ago that none of its rows can be an alert."""
        ended = ended_at(roster.chain_of[bot.newest][-1], now)
        wrote = self._reader.projections.last_sign(bot.ids, now + MAX_CLOCK_SKEW)
        return ended is not None and all(now - at >= LONGEST_WINDOW for at in (ended, wrote) if at is not None)

    async def run(self) -> None:
        """Looks at every bot of LIVE and PAPER that has not ended, for ever."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with suppress(DatabaseUnavailable, TableMissing):  # The feed says so itself.
                await self._look()

    async def _look(self) -> None:
        roster, now = await self._reader.roster(), self._clock.now()
        running = [
            roster.bot(chain)
            for chain in roster.chains
            if chain[-1].session.mode in WATCHED_MODES and ended_at(chain[-1], now) is None
        ]
        self._known = {bot.id: self._known.get(bot.id, {}) for bot in running}
        self._broken.intersection_update(self._known)
        for bot in running:
            await self._look_at(bot)

    async def _look_at(self, bot: Session) -> None:
        """One that has just become part of another, cannot be read now, or breaks, keeps no other waiting."""
        try:
            self._compare(bot, await self.of(BotScope(bot.id)))
            self._broken.discard(bot.id)
        except (UnknownSession, DatabaseUnavailable):
            return
        except Exception:
            if bot.id not in self._broken:
                log.exception("bot %d: its alerts cannot be found", bot.id)
            self._broken.add(bot.id)

    def _compare(self, bot: Session, alerts: tuple[Alert, ...]) -> None:
        found = {(alert.code, alert.subject): alert for alert in alerts if not alert.muted}
        before = self._known.get(bot.id, {})
        for key, alert in found.items():
            if key not in before:
                log.warning("bot %d: alert %s (%s): %s", bot.id, alert.code, alert.severity, alert.text)
        for key in before.keys() - found.keys():
            log.info("bot %d: alert %s is over", bot.id, " ".join(part for part in key if part))
        if before != found:
            self._reader.hub.publish(bot.newest, SECTIONS_OF_ALERTS)
        self._known[bot.id] = found
