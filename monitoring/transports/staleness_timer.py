"""What time alone changes: the full refresh, and sections whose words depend on the clock."""

import asyncio

from monitoring.changes.feed import Feed
from monitoring.clock import Clock
from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.reading.reader import Reader
from monitoring.rendering.fragments import Fragments
from monitoring.scope import Scope
from monitoring.scope_key import ScopeKey, UnknownSession
from monitoring.sections import SECTIONS, Context
from monitoring.transports.dispatch import Dispatcher
from monitoring.transports.legacy_events import LegacyEvents

ROUND_SECONDS = 2.0
"""Within this time a page shows that the engine fell silent."""
ROUNDS_PER_OUTAGE_SIGNAL = 3
"""While changes go unnoticed, all sections are signalled as stale once in so many rounds."""
MIN_TICK_SECONDS = 30.0
"""Between two signals of a section that only time has changed."""
REPEAT_SECONDS = 60.0
"""So often the others are signalled too: another instance may have answered, cut off or just begun."""


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


class StalenessTimer:
    """Signals sections that time makes stale, for the scopes that somebody looks at."""

    def __init__(self, reader: Reader, dispatcher: Dispatcher, fragments: Fragments, clock: Clock) -> None:
        self._hub = reader.hub
        self._reader = reader
        self._dispatcher = dispatcher
        self._fragments = fragments
        self._clock = clock
        self._ticked: dict[tuple[int, str], float] = {}
        self._unwatched = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            await self.check()

    async def check(self) -> None:
        """One round over all that somebody looks at."""
        if self._hub.watching:
            self._unwatched = 0
            if self._reader.time_moved_sessions():
                self._dispatcher.sessions_moved()
            for scope in self._hub.viewed():
                await self._read_facts(scope)
            return
        self._unwatched += 1
        if self._unwatched % ROUNDS_PER_OUTAGE_SIGNAL == 0:
            self._hub.publish(None, self._hub.sections)

    async def _read_facts(self, scope: ScopeKey) -> None:
        try:
            session = await self._reader.session(scope)
            if session is None:
                return
            await self._reader.read(Scope(session, scope), _facts_alone)
            self._fragments.relearn(Scope(session, scope))
            self._tick(session.newest)
        except (DatabaseUnavailable, UnknownSession, TableMissing):
            return

    def _tick(self, session: int) -> None:
        now, due = self._clock.monotonic(), []
        for section in SECTIONS:
            key, pause = (session, section.name), max(section.ticks or REPEAT_SECONDS, MIN_TICK_SECONDS)
            if now - self._ticked.setdefault(key, now) >= pause:
                self._ticked[key] = now
                due.append(section.name)
        if due:
            self._hub.publish(session, due)


async def _facts_alone(_context: Context) -> None:
    """What they say now makes sections stale by itself: see ``reading/rereads.py``."""
