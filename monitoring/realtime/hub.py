"""Who must hear of a change: versions of every section, and subscribers that are told which of them moved.

Only names and versions pass through here, never data. A subscriber keeps the newest version of each section, not a
queue, so a slow reader costs the same memory as a quick one.
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping

CURRENT = "current"


class Subscription:
    """The sections that one viewer has not been told of yet."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.closed = False
        self._pending: dict[str, str] = {}
        self._news = asyncio.Event()

    def offer(self, versions: Mapping[str, str]) -> None:
        self._pending.update(versions)
        self._news.set()

    def close(self) -> None:
        self.closed = True
        self._news.set()

    async def next(self, timeout: float) -> dict[str, str]:
        """The sections that went stale, newest versions; empty after ``timeout`` seconds of silence or when closed."""
        try:
            await asyncio.wait_for(self._news.wait(), timeout)
        except TimeoutError:
            return {}
        self._news.clear()
        pending, self._pending = self._pending, {}
        return pending


class Hub:
    """Versions by scope ("current" or a session's id) and section, and the subscribers of each scope.

    ``quiet`` seconds pass between two signals for the same section; the first of a burst goes out at once.
    """

    def __init__(self, sections: Iterable[str], quiet: float = 0.5) -> None:
        self.sections = tuple(sections)
        self.quiet = quiet
        self.current: str | None = None
        """Id of the session that "current" means at present."""
        self.closing = False
        self.watching = False
        """Whether the feed sees changes at present."""
        self._changes: dict[str, int] = {}
        self._boot = secrets.token_hex(4)
        self._numbers: dict[tuple[str, str], int] = {}
        self._subscriptions: set[Subscription] = set()
        self._held: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._waiting: set[tuple[str, str]] = set()

    def version(self, scope: str, section: str) -> str:
        return f"{self._boot}.{self._numbers.get((scope, section), 0)}"

    def versions(self, scope: str) -> dict[str, str]:
        return {section: self.version(scope, section) for section in self.sections}

    def changes(self, session: int) -> int:
        """How often anything of a session was published: what was read at an equal count is still true."""
        return self._changes.get(str(session), 0) + self._changes.get("*", 0)

    def viewed(self) -> set[str]:
        """The scopes that somebody looks at."""
        return {subscription.scope for subscription in self._subscriptions}

    @property
    def viewers(self) -> int:
        return len(self._subscriptions)

    def subscribe(self, scope: str) -> Subscription:
        subscription = Subscription(scope)
        self._subscriptions.add(subscription)
        if self.closing:
            subscription.close()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def publish(self, session: int | str | None, sections: Iterable[str]) -> None:
        """Marks ``sections`` of one session (None: of every session) stale and tells those who look at it."""
        sections = tuple(sections)
        changed = "*" if session is None else str(session)
        self._changes[changed] = self._changes.get(changed, 0) + 1
        if session is None:
            scopes = {scope for scope, _ in self._numbers} | {sub.scope for sub in self._subscriptions} | {CURRENT}
        else:
            scopes = {str(session)} | ({CURRENT} if str(session) == self.current else set())
        for scope in scopes:
            for section in sections:
                self._numbers[scope, section] = self._numbers.get((scope, section), 0) + 1
            self._signal(scope, sections)

    def switch(self, session: int | None) -> None:
        """Makes ``session`` the one that "current" means; everything its viewers see is stale."""
        name = None if session is None else str(session)
        if name != self.current:
            self.current = name
            self.publish(CURRENT, self.sections)

    def close(self) -> None:
        """Tells every subscriber that the server is going away."""
        self.closing = True
        for handle in self._held.values():
            handle.cancel()
        for subscription in self._subscriptions:
            subscription.close()

    def _signal(self, scope: str, sections: Iterable[str]) -> None:
        now = [section for section in sections if (scope, section) not in self._held]
        self._waiting.update((scope, section) for section in sections if (scope, section) in self._held)
        if not now:
            return
        loop = asyncio.get_running_loop()
        for section in now:
            self._held[scope, section] = loop.call_later(self.quiet, self._release, scope, section)
        self._deliver(scope, now)

    def _release(self, scope: str, section: str) -> None:
        del self._held[scope, section]
        if (scope, section) in self._waiting:
            self._waiting.discard((scope, section))
            self._signal(scope, [section])

    def _deliver(self, scope: str, sections: Iterable[str]) -> None:
        news = {section: self.version(scope, section) for section in sections}
        for subscription in self._subscriptions:
            if subscription.scope == scope:
                subscription.offer(news)
