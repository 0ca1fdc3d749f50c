"""Which sections a change makes stale: those that were read from a table that it touches."""

from collections.abc import Collection, Iterable, Set

from monitoring.sections import SECTIONS

SESSIONS = "trading_sessions"
SHOWN_IN = {"trades": "trades", "positions": "positions", "account_history": "account", "account_balances": "account"}
"""Where a changed row itself is seen: that is rendered and fetched before what is computed from it."""


class StaleSections:
    """Learns from every load which tables a section is read from.

    A section that was never loaded is shown nowhere, so that it cannot be stale.
    """

    def __init__(self) -> None:
        self._tables = {section.name: {SESSIONS, *section.needs} for section in SECTIONS}

    def tables(self, section: str) -> frozenset[str]:
        """Those that the section is known to be read from."""
        return frozenset(self._tables[section])

    def learn(self, section: str, tables: Set[str]) -> None:
        self._tables[section] |= tables

    def after(self, changed: Collection[str]) -> tuple[str, ...]:
        """The sections that a change of some tables makes stale, in the order in which they are to be fetched.

        First those that show the rows, then those that are read from few tables.
        """
        stale = [name for name, tables in self._tables.items() if not tables.isdisjoint(changed)]
        return tuple(sorted(stale, key=lambda name: self._order(name, changed)))

    def _order(self, name: str, changed: Iterable[str]) -> tuple[bool, int, str]:
        return name not in {SHOWN_IN.get(table) for table in changed}, len(self._tables[name]), name
