"""Which sections a change makes stale: those that were read from a table that it touches."""

from collections.abc import Collection, Set

from monitoring.sections import SECTIONS

SESSIONS = "trading_sessions"


class StaleSections:
    """Learns from every load which tables a section is read from.

    Until this process has loaded a section it counts as read from all of them: another one may have shown it.
    """

    def __init__(self) -> None:
        self._tables = {section.name: {SESSIONS, *section.needs} for section in SECTIONS}
        self._unknown = set(self._tables)

    def tables(self, section: str) -> frozenset[str]:
        """Those that the section is known to be read from."""
        return frozenset(self._tables[section])

    def learn(self, section: str, tables: Set[str]) -> bool:
        """Whether changes may have been missed: the section was known, but not that it is read from these tables."""
        missed = section not in self._unknown and not tables <= self._tables[section]
        self._tables[section] |= tables
        self._unknown.discard(section)
        return missed

    def after(self, changed: Collection[str]) -> tuple[str, ...]:
        """The sections that a change of some tables makes stale."""
        return tuple(
            name for name, tables in self._tables.items() if name in self._unknown or not tables.isdisjoint(changed)
        )
