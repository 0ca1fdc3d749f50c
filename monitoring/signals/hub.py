"""The listeners of every scope, to which new versions of sections are announced.

Only names and versions pass through here, never data.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from monitoring.clock import Clock
from monitoring.scope_key import ScopeKey
from monitoring.signals.crowd import Crowd
from monitoring.signals.subscription import Signal, Subscription
from monitoring.signals.throttle import Throttle
from monitoring.signals.versions import Versions

MAX_VIEWERS = 5000
POLLED_SECONDS = 60.0
"""For so long a client that polled counts as a viewer."""
GAP_MILLISECONDS = 1000
"""Between two fetches of a page, after changes that are neither urgent nor a price alone."""

Prefetcher = Callable[[ScopeKey, Collection[str]], None]


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
        self._throttle = Throttle(throttle_seconds, self._signal)
        self.crowd = Crowd(clock)
        self._prefetchers: list[Prefetcher] = []

    @property
    def sections(self) -> tuple[str, ...]:
        return self.versions.sections

    def hello(self, scope: ScopeKey) -> dict[str, object]:
        """The first message to everyone: the versions, and the server's clock in milliseconds."""
        return {"versions": self.versions.oldest_first(scope), "now": round(self._clock.since_1970() * 1000)}

    def define(self, scope: ScopeKey, sessions: Iterable[int]) -> None:
        """Says which sessions a scope consists of. Where these are others than before, all that is seen is stale."""
        if self.versions.define(scope, sessions, followed=scope in self._listeners):
            self._signal(scope, self.sections, GAP_MILLISECONDS)

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

    def add_prefetcher(self, prefetcher: Prefetcher) -> None:
        """``prefetcher`` hears of every signal that anybody is given: their scope, and the sections."""
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
        self.publish_commits("", {session: (sections, GAP_MILLISECONDS)})

    def publish_commits(self, token: str, stale: Mapping[int | None, tuple[Iterable[str], int]]) -> None:
        """As :meth:`publish`, for what the feed had found out at ``token``: sections and their gap, by session."""
        self.versions.advance(token)
        for session, (sections, gap_milliseconds) in stale.items():
            known = tuple(section for section in sections if section in self.sections)
            self.versions.change(session, known)
            for scope in tuple(self._listeners):
                if self.versions.concerns(scope, session):
                    self._signal(scope, known, gap_milliseconds)

    def close(self) -> None:
        """Tells every listener that the server is going away."""
        self.closing = True
        for listener in [listener for listeners in self._listeners.values() for listener in listeners]:
            listener.close()

    def _signal(self, scope: ScopeKey, sections: Iterable[str], gap_milliseconds: int) -> None:
        listeners = () if self.closing else tuple(self._listeners.get(scope, ()))
        now = self._throttle.admit(scope, sections, gap_milliseconds) if listeners else ()
        if not now:
            return
        for prefetcher in self._prefetchers:
            prefetcher(scope, now)
        spread = self.crowd.spread_milliseconds(len(listeners))
        signal = Signal(now, self.versions.newest.text, gap_milliseconds, spread)
        for listener in listeners:
            listener.offer(signal)
