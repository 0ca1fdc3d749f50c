"""The listeners of every scope, to which new versions of sections are announced.

Only names and versions pass through here, never data. A subscription keeps the newest version of each section, not a
queue, so a slow reader costs no more memory than a quick one.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from monitoring.clock import Clock
from monitoring.scope_key import ScopeKey
from monitoring.signals.versions import Versions

MAX_VIEWERS = 5000
POLLED_SECONDS = 60.0
"""For so long a client that polled counts as a viewer."""


class Subscription:
    """A listener that waits for signals: it keeps the versions that one viewer has not been sent yet."""

    def __init__(self, scope: ScopeKey) -> None:
        self.scope = scope
        self.closed = False
        self._pending: dict[str, str] = {}
        self._newest = ""
        self._news = asyncio.Event()

    def offer(self, versions: Mapping[str, str]) -> None:
        self._pending.update(versions)
        self._newest = next(iter(versions.values()), self._newest)
        self._news.set()

    def close(self) -> None:
        self.closed = True
        self._news.set()

    async def next(self, timeout: float) -> dict[str, str]:
        """The sections that went stale, newest versions; empty after ``timeout`` seconds of silence or when closed."""
        try:
            # Not wait_for: before Python 3.12 it forgets that it was cancelled when news come at that moment.
            async with asyncio.timeout(timeout):
                await self.wait()
        except TimeoutError:
            return {}
        return self.take()

    async def wait(self) -> None:
        """Until there is something to take, or it is closed."""
        await self._news.wait()
        self._news.clear()

    def take(self) -> dict[str, str]:
        """The sections that went stale since the last time, all at the newest version."""
        pending, self._pending = self._pending, {}
        return dict.fromkeys(pending, self._newest)


class Hub:
    """The listeners of each scope (see ``scope_key``).

    ``throttle_seconds`` pass between two signals for the same section; the first of a burst goes out at once.
    """

    def __init__(
        self, sections: Iterable[str], clock: Clock, throttle_seconds: float = 0.5, max_viewers: int = MAX_VIEWERS
    ) -> None:
        self.versions = Versions(sections, clock)
        self.throttle_seconds = throttle_seconds
        self.max_viewers = max_viewers
        self.closing = False
        self.watching = False
        """Whether the feed sees changes at present."""
        self.behind = False
        """Whether the database is a standby that does not keep up."""
        self._polled: dict[ScopeKey, float] = {}
        self._clock = clock
        self._listeners: dict[ScopeKey, set[Subscription]] = {}
        self._throttled: dict[ScopeKey, dict[str, int]] = {}
        """By scope the sections that were signalled a moment ago, and the count of changes then."""
        self._prefetchers: list[Callable[[ScopeKey, Mapping[str, str]], None]] = []

    @property
    def sections(self) -> tuple[str, ...]:
        return self.versions.sections

    def hello(self, scope: ScopeKey) -> dict[str, object]:
        """The first message to everyone: the versions, and the server's clock in milliseconds."""
        return {"versions": self.versions.oldest_first(scope), "now": round(self._clock.since_1970() * 1000)}

    def define(self, scope: ScopeKey, sessions: Iterable[int]) -> None:
        """Says which sessions a scope consists of. Where these are others than before, all that is seen is stale."""
        if self.versions.define(scope, sessions, followed=scope in self._listeners):
            self._signal(scope, self.sections)

    def viewed(self) -> set[ScopeKey]:
        """The scopes that somebody looks at."""
        oldest = self._clock.monotonic() - POLLED_SECONDS
        self._polled = {scope: polled for scope, polled in self._polled.items() if polled > oldest}
        return self._listeners.keys() | self._polled.keys()

    def polled(self, scope: ScopeKey) -> dict[str, str]:
        """The versions for a client that polls, which counts as a viewer of the scope for a while."""
        self._polled[scope] = self._clock.monotonic()
        return self.versions.oldest_first(scope)

    @property
    def viewers(self) -> int:
        return sum(map(len, self._listeners.values()))

    @property
    def full(self) -> bool:
        """Whether no more viewers are to be let in."""
        return self.viewers >= self.max_viewers

    def subscribe(self, scope: ScopeKey) -> Subscription:
        subscription = Subscription(scope)
        self.add(subscription)
        return subscription

    def add_prefetcher(self, prefetcher: Callable[[ScopeKey, Mapping[str, str]], None]) -> None:
        """``prefetcher`` hears of every signal that anybody is given: their scope, and sections with versions."""
        self._prefetchers.append(prefetcher)

    def add(self, listener: Subscription) -> None:
        self._listeners.setdefault(listener.scope, set()).add(listener)
        if self.closing:
            listener.close()

    def remove(self, listener: Subscription) -> None:
        """Does nothing when it is not there."""
        listeners = self._listeners.get(listener.scope, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(listener.scope, None)

    def publish(self, session: int | None, sections: Iterable[str]) -> None:
        """Marks ``sections`` of one session (None: of every session) stale and tells those who look at it.

        Time alone changed them, or what they are made of was found out later. Sections that this hub does not have are
        left out.
        """
        self.publish_commits("", {session: sections})

    def publish_commits(self, token: str, stale: Mapping[int | None, Iterable[str]]) -> None:
        """As :meth:`publish`, for what the feed had found out at ``token``, by session."""
        self.versions.advance(token)
        for session, sections in stale.items():
            known = tuple(section for section in sections if section in self.sections)
            self.versions.change(session, known)
            for scope in tuple(self._listeners):
                if self.versions.concerns(scope, session):
                    self._signal(scope, known)

    def close(self) -> None:
        """Tells every listener that the server is going away."""
        self.closing = True
        for listener in [listener for listeners in self._listeners.values() for listener in listeners]:
            listener.close()

    def _signal(self, scope: ScopeKey, sections: Iterable[str]) -> None:
        throttled = self._throttled.setdefault(scope, {})
        now = [section for section in sections if section not in throttled]
        if not now:
            return
        # All of them have one version, that of this moment, so that one GET can ask for what every signal before said.
        news = dict.fromkeys(now, self.versions.newest.text)
        throttled.update(dict.fromkeys(now, self.versions.newest.count))
        # Sections that were signalled together are released together, so that they are in one message again.
        asyncio.get_running_loop().call_later(self.throttle_seconds, self._release, scope, now)
        self._deliver(scope, news)

    def _release(self, scope: ScopeKey, sections: Iterable[str]) -> None:
        throttled = self._throttled[scope]
        changed = [section for section in sections if throttled.pop(section) < self.versions.changed(scope, section)]
        if changed and not self.closing:
            self._signal(scope, changed)
        if not throttled:
            self._throttled.pop(scope, None)

    def _deliver(self, scope: ScopeKey, news: Mapping[str, str]) -> None:
        listeners = tuple(self._listeners.get(scope, ()))
        for prefetcher in self._prefetchers if listeners else ():
            prefetcher(scope, news)
        for listener in listeners:
            listener.offer(news)
