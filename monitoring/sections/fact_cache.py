"""Facts, each read again only when a table that it is read from changed, or when it is too old."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.lru import Lru
from monitoring.projections import Projections
from monitoring.sections.section import Reading, traced
from monitoring.sections.sources import Tables

MAX_AGE_SECONDS = 60.0
"""A change that nobody can notice, of an old row on a standby say, is shown after so long."""
WINDOW_MAX_AGE_SECONDS = 5.0
"""The same of what counts the rows of the last hour or day: time alone moves it."""
SCAN_MAX_AGE_SECONDS = 600.0
"""The same of what a whole table is read for."""
MAX_KEPT_FACTS = 512


@dataclass(frozen=True, slots=True)
class Fact:
    """How one fact is read, and for how many seconds it holds while its tables do not change."""

    read: Callable[[Reading], Awaitable[object]]
    max_age_seconds: float = MAX_AGE_SECONDS


@dataclass(frozen=True, slots=True)
class Kept:
    """A fact as it was read last."""

    value: object
    tables: Tables
    capabilities: Capabilities
    version: tuple[object, ...] | None
    """Of the tables; None where one of them changed meanwhile."""
    read_at: float


@dataclass(slots=True)
class FactCache:
    """Keeps facts by their name and scope: a bot of one session has more events than that session alone."""

    projections: Projections
    clock: Clock
    _kept: Lru[tuple[str, tuple[int, ...], bool], Kept] = field(default_factory=lambda: Lru(MAX_KEPT_FACTS))

    async def get(self, name: str, fact: Fact, reading: Reading) -> Kept:
        """The fact as it is now; the reading's state may be older, if not much."""
        session = reading.state.session
        key = name, session.ids, session.is_bot
        kept, now = self._kept.get(key), self.clock.monotonic()
        if kept is not None and now - kept.read_at < fact.max_age_seconds and self._holds(kept, reading):
            return kept
        reads: set[str] = set()
        value = await fact.read(traced(reading, reads))
        unchanged = self.projections.changes == reading.state.changes
        version = self._version(reads, key[1]) if unchanged else None
        return self._kept.put(key, Kept(value, frozenset(reads), reading.capabilities, version, now))

    def _holds(self, kept: Kept, reading: Reading) -> bool:
        same = kept.capabilities is reading.capabilities
        return same and kept.version == self._version(kept.tables, reading.state.session.ids)

    def _version(self, tables: set[str] | Tables, sessions: tuple[int, ...]) -> tuple[object, ...]:
        return tuple(self.projections.version(table, sessions) for table in sorted(tables))
