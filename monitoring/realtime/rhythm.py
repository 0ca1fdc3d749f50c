"""What time alone changes: the full refresh, and sections whose words depend on the clock."""

import asyncio

from monitoring.backoff import Backoff
from monitoring.changes.feed import Feed
from monitoring.clock import Clock
from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.hub import Hub
from monitoring.metrics.facts import Facts
from monitoring.metrics.health import status
from monitoring.reading.reader import Reader
from monitoring.realtime.dispatch import Dispatcher
from monitoring.realtime.legacy_events import LegacyEvents
from monitoring.scope import Scope, UnknownSession
from monitoring.sections import SECTIONS, Context

BEAT = 2.0
"""Seconds within which a page learns that the engine fell silent."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.5, 8.0
"""Until what could not be read is looked at again."""
SAYING = ("status", "health", "positions")
"""Sections that say whether the engine lives."""
UNWATCHED_BEATS = 3
"""While changes go unnoticed, pages are told to look for themselves at every so many beats."""


class FullRefresh:
    """Reconciles everything with the database, every ``interval`` seconds."""

    def __init__(self, feed: Feed, legacy_events: LegacyEvents, interval: float) -> None:
        self._feed = feed
        self._legacy_events = legacy_events
        self._interval = interval

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self._feed.refresh()
            self._legacy_events.send_metrics_soon()


class Clockwork:
    """Signals sections that time makes stale, for the scopes that somebody looks at."""

    def __init__(self, hub: Hub, reader: Reader, dispatcher: Dispatcher, clock: Clock) -> None:
        self._hub = hub
        self._reader = reader
        self._dispatcher = dispatcher
        self._clock = clock
        self._words: dict[tuple[int, ...], str] = {}
        """What was said of each scope's engine when anybody read of it last."""
        self._ticked: dict[str, float] = {}
        self._unwatched = 0
        self._retries: dict[int, Backoff] = {}
        """By session."""
        reader.on_failed = self.retry
        reader.on_read = self.hear

    async def run(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            await self.beat()

    async def beat(self) -> None:
        """One look at all that somebody looks at."""
        if self._hub.watching:
            self._unwatched = 0
            if self._reader.time_moved_sessions():
                self._dispatcher.sessions_moved()
            for scope in self._hub.viewed():
                await self._look(scope)
            return
        self._unwatched += 1
        if self._unwatched % UNWATCHED_BEATS == 0:
            self._hub.publish(None, self._hub.sections)

    def hear(self, facts: Facts) -> None:
        """Tells pages when something else is to be said of the engine than to whoever read last."""
        sessions, (word, _reason) = facts.session.ids, status(facts)
        before = self._words.get(sessions, word)
        self._words[sessions] = word
        if word != before:
            self._hub.publish(facts.session.newest, SAYING)

    def retry(self, session: int) -> None:
        """Lets pages look again soon at a session that could not be read: nothing else might ever tell them to.

        Not while the feed is down, though: when it is back, it tells everybody.
        """
        backoff = self._retries.get(session)
        if backoff is None:
            backoff = self._retries[session] = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, self._clock)
        if self._clock.monotonic() < backoff.due or not self._hub.watching:
            return
        asyncio.get_running_loop().call_later(backoff.next(), self._hub.publish, session, self._hub.sections)

    async def _look(self, scope: str) -> None:
        try:
            session = await self._reader.session(scope)
            if session is None:
                return
            await self._reader.read(Scope(session, scope), _nothing_more)
            self._tick(session.newest)
        except (DatabaseUnavailable, UnknownSession, TableMissing):
            return

    def _tick(self, session: int) -> None:
        now = self._clock.monotonic()
        for section in SECTIONS:
            if section.ticks is None:
                continue
            key = f"{session} {section.name}"
            if now - self._ticked.setdefault(key, now) >= max(section.ticks, 30.0):
                self._ticked[key] = now
                self._hub.publish(session, (section.name,))


async def _nothing_more(_context: Context) -> None:
    """The facts alone are wanted: whoever shows them hears of what they say now."""
