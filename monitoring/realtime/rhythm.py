"""What time alone changes: the full refresh, and sections whose words depend on the clock."""

import asyncio
import time

from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import SCHEMA_CHANGED, DatabaseUnavailable
from monitoring.metrics.health import status
from monitoring.reader import Reader
from monitoring.realtime.hub import Hub
from monitoring.realtime.updates import Updates
from monitoring.realtime.watch import TAILS
from monitoring.scope import Scope, UnknownSession
from monitoring.sections import SECTIONS

BEAT = 2.0
"""Seconds within which a page learns that the engine fell silent, or that a section can be read again."""
LONGEST_RETRY = 60.0
UNWATCHED_BEATS = 3
"""While changes go unnoticed, pages are told to look for themselves at every so many beats."""


class FullRefresh:
    """Reconciles everything with the database, every ``interval`` seconds."""

    def __init__(self, hub: Hub, reader: Reader, updates: Updates, interval: float) -> None:
        self._hub = hub
        self._reader = reader
        self._updates = updates
        self._interval = interval

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self._reader.forget_sessions()
            self._reader.ledgers.forget(*TAILS)
            self._hub.publish(None, self._hub.sections)
            await self._updates.announce()


class Clockwork:
    """Signals sections that time makes stale, for the scopes that somebody looks at."""

    def __init__(self, hub: Hub, reader: Reader) -> None:
        self._hub = hub
        self._reader = reader
        self._words: dict[str, str] = {}
        self._ticked: dict[str, float] = {}
        self._unwatched = 0
        self._retries: dict[int, tuple[float, float]] = {}
        """Seconds until the last retry of each session, and when that was due."""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            await self.beat()

    async def beat(self) -> None:
        """One look at all that somebody looks at."""
        if self._hub.watching:
            self._unwatched = 0
            self._retry()
            for scope in self._hub.viewed():
                await self._look(scope)
            return
        self._unwatched += 1
        if self._unwatched % UNWATCHED_BEATS == 0:
            self._hub.publish(None, self._hub.sections)

    def _retry(self) -> None:
        """Lets pages look again at what could not be read, ever more rarely while that lasts."""
        now = time.monotonic()
        for session in self._reader.failed():
            pause, due = self._retries.get(session, (0.0, 0.0))
            if due < now:
                pause = min(LONGEST_RETRY, 2 * pause) if now - due < 2 * pause else BEAT
                self._retries[session] = pause, now + pause
                asyncio.get_running_loop().call_later(pause, self._hub.publish, session, self._hub.sections)

    async def _look(self, scope: str) -> None:
        try:
            session = await self._reader.session(scope)
            if session is None:
                return
            async with self._reader.context(Scope(session, scope)) as context:
                word, _reason = status(context.facts)
        except (DatabaseUnavailable, UnknownSession, TableMissing, *SCHEMA_CHANGED):
            return
        if self._words.get(scope, word) != word:
            self._hub.publish(session.id, ("status", "health", "positions"))
        self._words[scope] = word
        self._tick(session.id)

    def _tick(self, session: int) -> None:
        now = time.monotonic()
        for section in SECTIONS:
            if section.ticks is None:
                continue
            key = f"{session} {section.name}"
            if now - self._ticked.setdefault(key, now) >= max(section.ticks, 30.0):
                self._ticked[key] = now
                self._hub.publish(session, (section.name,))
