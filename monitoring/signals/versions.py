"""The versions of every section in every scope: texts that any instance of the dashboard understands.

A version is the change feed's token, a point, and when something last changed by time alone (milliseconds since 1970
UTC; 0: not yet). It says in which state of the database a section changed. Whoever holds a version of another instance
gets what that one saw: see ``reading/freshness.py``. Inside, changes are counted, and only the counts are compared.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.clock import Clock
from monitoring.lru import Lru
from monitoring.scope_key import ScopeKey, SessionScope

MAX_KEPT_TEXTS = 4096
MAX_AHEAD_MILLISECONDS = 2000
"""How far ahead the clock of another instance may be."""
MIN_SECONDS_BETWEEN_TIMES = 1.0
"""So often at most everything is stale because another instance noticed something by the clock."""
WRITTEN = re.compile(r"([0-9a-f-]{0,40})\.([0-9]{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """``count`` numbers all changes; ``text`` is the version that it made."""

    count: int
    text: str


class Versions:
    """Versions by scope (see ``scope_key``) and section, and the sessions that each scope consists of."""

    def __init__(self, sections: Iterable[str], clock: Clock) -> None:
        self.sections = tuple(sections)
        self._clock = clock
        self._members: dict[ScopeKey, frozenset[int]] = {}
        """The sessions of each scope that was ever asked for."""
        self._token, self._passed = "", 0
        self.newest = Change(0, ".0")
        """Made by the newest change of all."""
        self._first = self.newest
        self._reached: Lru[str, int] = Lru(MAX_KEPT_TEXTS)
        """At which count everything was known that a version stands for, of this instance or another one."""
        self._of_sessions: dict[int | None, dict[str, Change]] = {}
        """By session, None for what concerns all of them."""
        self._counts: dict[int | None, int] = {}
        """By session too, whether or not the change made a section stale."""
        self._of_scopes: dict[ScopeKey, Change] = {}
        """When the sessions of a scope became others."""
        self._time_elsewhere = 0
        """The count at which another instance had noticed that something changed by time alone."""
        self._time_known = self._now_milliseconds
        """Up to when (since 1970) everything is known that other instances noticed by the clock."""
        self._next_time_elsewhere = -math.inf
        """When (``monotonic``) such news may next make everything stale."""

    def of(self, scope: ScopeKey, section: str) -> str:
        return self._last(scope, section).text

    def all(self, scope: ScopeKey) -> dict[str, str]:
        return {section: self.of(scope, section) for section in self.sections}

    def oldest_first(self, scope: ScopeKey) -> dict[str, str]:
        """As :meth:`all`. The last one stands for all of them: who fetches at it gets what every one says."""
        changes = {section: self._last(scope, section) for section in self.sections}
        return {section: changes[section].text for section in sorted(changes, key=changes.__getitem__)}

    def changed(self, scope: ScopeKey, section: str) -> int:
        """The count at which the section changed last: what was read at this count or later is up to date."""
        return max(self._last(scope, section).count, self._time_elsewhere)

    def members(self, scope: ScopeKey) -> frozenset[int]:
        """The sessions that a scope consists of."""
        return frozenset({scope.id}) if isinstance(scope, SessionScope) else self._members.get(scope, frozenset())

    def concerns(self, scope: ScopeKey, session: int | None) -> bool:
        """Whether a change of one session (None: of every session) is one of the scope."""
        return session is None or session in self.members(scope)

    def changes(self, sessions: Iterable[int]) -> int:
        """The count at which anything of some sessions changed last: what was read at an equal one is still true."""
        counts = (self._counts.get(session, 0) for session in (None, *sessions))
        return max(self._time_elsewhere, *counts)

    def define(self, scope: ScopeKey, sessions: Iterable[int], followed: bool) -> bool:
        """Says which sessions a scope consists of; whether that makes everything stale that is seen of it.

        Where nobody follows the scope, the first answer makes nothing stale.
        """
        before, self._members[scope] = self._members.get(scope), frozenset(sessions)
        if before == self._members[scope] or (before is None and not followed):
            return False
        self.advance()
        self._of_scopes[scope] = self.newest
        return True

    def advance(self, token: str = "") -> None:
        """Begins a new version: of the feed's token, or without one of a change that came by time alone."""
        if token and token != self._token:
            self._token = token
        else:
            self._passed = max(self._passed + 1, self._now_milliseconds)
        self.newest = Change(self.newest.count + 1, f"{self._token}.{self._passed}")
        self._reached.put(self.newest.text, self.newest.count)

    def change(self, session: int | None, sections: Iterable[str]) -> None:
        """``sections`` of one session (None: of every session) changed at the newest version."""
        self._counts[session] = self.newest.count
        self._of_sessions.setdefault(session, {}).update(dict.fromkeys(sections, self.newest))

    def reached(self, text: str) -> int | None:
        """The count from which on everything is known that a version stands for; None where that is not known."""
        return self._reached.get(text)

    def seconds_until_reach(self, text: str) -> float:
        """How long :meth:`reach` has to wait, so that texts which anybody can send make nothing stale more often."""
        return max(0.0, self._next_time_elsewhere - self._clock.monotonic()) if self._is_news(_time_in(text)) else 0.0

    def reach(self, text: str) -> int:
        """Everything is known by now that another instance's version stands for, as far as it came from the database.

        What that one found out by the clock has to be found out here too, so nothing is good that was read before.
        """
        passed = _time_in(text)
        if passed is None:
            return self.newest.count
        if self._is_news(passed):
            self._take_in_time(passed)
        self._reached.put(text, self.newest.count)
        return self.newest.count

    def _take_in_time(self, passed: int) -> None:
        self._next_time_elsewhere = self._clock.monotonic() + MIN_SECONDS_BETWEEN_TIMES
        self._time_known = max(passed, self._now_milliseconds)
        self._passed = max(passed, self._passed)
        self._time_elsewhere = self.newest.count + 1
        self.newest = Change(self._time_elsewhere, f"{self._token}.{self._passed}")

    def _is_news(self, passed: int | None) -> bool:
        latest = self._now_milliseconds + MAX_AHEAD_MILLISECONDS
        return passed is not None and self._time_known < passed <= latest

    @property
    def _now_milliseconds(self) -> int:
        return round(self._clock.since_1970() * 1000)

    def forget(self) -> None:
        """The database is another one: no version stands for anything of it."""
        self._reached.clear()

    def _last(self, scope: ScopeKey, section: str) -> Change:
        # Few of a bot's sessions ever change.
        sessions = (None, *(self.members(scope) & self._of_sessions.keys()))
        changes = (self._of_sessions.get(session, {}).get(section, self._first) for session in sessions)
        return max(self._of_scopes.get(scope, self._first), *changes)


def token_in(version: str) -> str:
    """The feed's token in a version; "" where it is none that could be read."""
    written = WRITTEN.fullmatch(version)
    return written[1] if written else ""


def _time_in(version: str) -> int | None:
    written = WRITTEN.fullmatch(version)
    return int(written[2]) if written else None
