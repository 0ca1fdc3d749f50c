"""The versions of every section in every scope."""

import secrets
from collections.abc import Iterable

from monitoring.scope_key import ScopeKey, SessionScope


class Versions:
    """Versions by scope (see ``scope_key``) and section, and the sessions that each scope consists of."""

    def __init__(self, sections: Iterable[str]) -> None:
        self.sections = tuple(sections)
        self._members: dict[ScopeKey, frozenset[int]] = {}
        """The sessions of each scope that was ever asked for."""
        self._moved: dict[ScopeKey, int] = {}
        """How often the sessions of a scope became others."""
        self._changes: dict[int, int] = {}
        self._all_changes = 0
        self._boot = secrets.token_hex(4)
        self._numbers: dict[tuple[int, str], int] = {}
        self._everywhere: dict[str, int] = {}

    def of(self, scope: ScopeKey, section: str) -> str:
        # A change of every session counts for those too that nobody has looked at yet.
        number = sum(self._numbers.get((session, section), 0) for session in self.members(scope))
        return f"{self._boot}.{self._everywhere.get(section, 0)}.{number + self._moved.get(scope, 0)}"

    def all(self, scope: ScopeKey) -> dict[str, str]:
        return {section: self.of(scope, section) for section in self.sections}

    def members(self, scope: ScopeKey) -> frozenset[int]:
        """The sessions that a scope consists of."""
        return frozenset({scope.id}) if isinstance(scope, SessionScope) else self._members.get(scope, frozenset())

    def concerns(self, scope: ScopeKey, session: int | None) -> bool:
        """Whether a change of one session (None: of every session) is one of the scope."""
        return session is None or session in self.members(scope)

    def define(self, scope: ScopeKey, sessions: Iterable[int], followed: bool) -> bool:
        """Says which sessions a scope consists of; whether that makes everything stale that is seen of it.

        Where nobody follows the scope, the first answer makes nothing stale.
        """
        before, self._members[scope] = self._members.get(scope), frozenset(sessions)
        if before == self._members[scope] or (before is None and not followed):
            return False
        # Versions only ever grow, whatever those of the sessions are.
        grown = sum(self._numbers.get((session, section), 0) for session in before or () for section in self.sections)
        self._moved[scope] = self._moved.get(scope, 0) + 1 + grown
        return True

    def changes(self, sessions: Iterable[int]) -> int:
        """How often anything of some sessions changed: what was read at an equal count is still true."""
        return self._all_changes + sum(self._changes.get(session, 0) for session in sessions)

    def change(self, session: int | None, sections: Iterable[str]) -> None:
        """Gives ``sections`` of one session (None: of every session) new versions."""
        if session is None:
            self._all_changes += 1
            for section in sections:
                self._everywhere[section] = self._everywhere.get(section, 0) + 1
            return
        self._changes[session] = self._changes.get(session, 0) + 1
        for section in sections:
            self._numbers[session, section] = self._numbers.get((session, section), 0) + 1
