"""What time alone changes: the full refresh, and sections whose words depend on the clock."""

import asyncio
import time

from monitoring.database.pool import DatabaseUnavailable
from monitoring.metrics.health import status
from monitoring.reader import Reader
from monitoring.realtime.hub import Hub
from monitoring.realtime.updates import Updates
from monitoring.realtime.watch import TAILS
from monitoring.scope import Scope, UnknownSession
from monitoring.sections import SECTIONS

BEAT = 2.0
"""Seconds within which a page learns that the engine fell silent."""


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

    async def run(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            if self._hub.watching:
                for scope in self._hub.viewed():
                    await self._look(scope)

    async def _look(self, scope: str) -> None:
        try:
            session = await self._reader.session(scope)
            if session is None:
                return
            async with self._reader.context(Scope(session, scope)) as context:
                word, _reason = status(context.facts)
        except (DatabaseUnavailable, UnknownSession):
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
