"""What follows the change feed: change sets go to the projections, and the sections they make stale to the hub."""

import asyncio
from collections.abc import Collection, Mapping, Set
from contextlib import suppress

from monitoring.backoff import Backoff
from monitoring.changes.change_set import ChangeSet
from monitoring.changes.snapshot_token import IdCursor
from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.source import Source
from monitoring.reading.reader import Reader
from monitoring.rendering.fragments import Fragments
from monitoring.scope_key import CURRENT, UnknownSession
from monitoring.sections import SECTIONS
from monitoring.signals.hub import GAP_MILLISECONDS
from monitoring.transports.legacy_events import LegacyEvents

FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.1, 0.5
PRICE_GAP_MILLISECONDS = 2000
"""Between two fetches of a page, after prices of positions alone."""
CALM_SECONDS = 20.0
"""After prices alone, sections that are calm are announced so much later, whatever comes meanwhile."""
CALM = frozenset(section.name for section in SECTIONS if section.calm)


class Dispatcher:
    """The consumer of the change feed. It publishes at once; what needs the database to be known, ``run`` finds."""

    def __init__(self, reader: Reader, fragments: Fragments, legacy_events: LegacyEvents) -> None:
        self._reader = reader
        self._projections = reader.projections
        self._hub = reader.hub
        self._fragments = fragments
        self._legacy_events = legacy_events
        self._current: frozenset[int] | None = None
        """The sessions that programs were last sent figures of."""
        self._sessions_moved = asyncio.Event()
        self._sessions_moved.set()
        self._calmed: set[int | None] = set()
        """Sessions whose calm sections will be announced."""
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)

    @property
    def watched(self) -> bool:
        """Whether anybody waits for changes."""
        return self._hub.viewers > 0 or self._legacy_events.wanted

    async def take_in(self, source: Source, cursors: Mapping[str, IdCursor], changes: ChangeSet) -> None:
        """Applies what the feed found and publishes it; where it fails it is called again with the same changes."""
        if changes.corrected_tables:
            self._legacy_events.remember(self._current or ())
        await self._projections.take_in(source, cursors, changes)
        self._publish(changes)

    def reset(self) -> None:
        """The database is another one: forget everything."""
        self._legacy_events.remember(self._current or ())
        self._hub.versions.forget()
        self._projections.clear()
        self._reader.clear()
        self._fragments.clear()
        self._everything_moved()

    def outage(self, why: str | None) -> None:
        """Changes are not followed any more, and why; None: they are again."""
        was_watching, self._hub.watching = self._hub.watching, why is None
        self._projections.away = why
        if why is None:
            self._everything_moved()
        elif was_watching:
            self._hub.publish(None, self._hub.sections)

    def behind(self, behind: bool) -> None:
        """Whether the database is a standby that does not keep up."""
        self._hub.behind = behind
        self._hub.publish(None, self._hub.sections)

    def sessions_moved(self) -> None:
        """Another bot may be current, or bots may consist of other sessions."""
        self._reader.forget_sessions()
        self._sessions_moved.set()

    async def run(self) -> None:
        """Finds out, for ever, which sessions scopes consist of, and tells when more of the history is known."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_sessions())
            tasks.create_task(self._follow_scans())

    def _publish(self, changes: ChangeSet) -> None:
        if self._reader.moved_sessions(changes):
            self.sessions_moved()
        tables = _tables_by_session(changes)
        # Rows of no session may concern every one.
        tables[None] = tables.get(None, set()) | changes.corrected_tables
        urgent = _urgent_sessions(changes)
        stale = {
            session: self._announced(session, moved, session in urgent) for session, moved in tables.items() if moved
        }
        self._hub.publish_commits(changes.token, stale)
        self._legacy_events.changed(changes)

    def _announced(self, session: int | None, tables: Set[str], urgent: bool) -> tuple[tuple[str, ...], int]:
        """The sections that are stale since some tables changed, and how long a page may leave it so."""
        sections, gap = self._fragments.stale.after(tables), _gap_milliseconds(tables, urgent)
        calm = CALM.intersection(sections) if gap == PRICE_GAP_MILLISECONDS else None
        if not calm:
            return sections, gap
        if session not in self._calmed:
            self._calmed.add(session)
            asyncio.get_running_loop().call_later(CALM_SECONDS, self._announce_calm, session, calm)
        return tuple(section for section in sections if section not in calm), gap

    def _announce_calm(self, session: int | None, sections: Collection[str]) -> None:
        self._calmed.discard(session)
        self._hub.publish(session, sections)

    def _everything_moved(self) -> None:
        self.sessions_moved()
        self._hub.publish(None, self._hub.sections)
        self._legacy_events.send_metrics_soon()

    async def _follow_scans(self) -> None:
        while True:
            await self._projections.backfill.progressed()
            self._everything_moved()

    async def _follow_sessions(self) -> None:
        while True:
            await self._sessions_moved.wait()
            self._sessions_moved.clear()
            try:
                await self._find_scopes()
            except (DatabaseUnavailable, TableMissing):
                self._sessions_moved.set()
                await asyncio.sleep(self._backoff.next())

    async def _find_scopes(self) -> None:
        """Finds out which sessions everything that somebody looks at consists of by now."""
        for scope in (CURRENT, *sorted(self._hub.viewed() - {CURRENT}, key=str)):
            with suppress(UnknownSession):
                await self._reader.find(scope)
        before, self._current = self._current, self._hub.versions.members(CURRENT)
        if before != self._current:
            self._legacy_events.scope_moved(before)


def _tables_by_session(changes: ChangeSet) -> dict[int | None, set[str]]:
    found: dict[int | None, set[str]] = {}
    for table, rows in changes.rows.items():
        for row in rows:
            # A restart moves a position and leaves its orders: they are shown beside it, in whichever session.
            owner = None if table == "orders" else row.session
            found.setdefault(owner, set()).add(table)
    return found


def _urgent_sessions(changes: ChangeSet) -> set[int | None]:
    """Sessions with a trade, or with a position that was opened, closed, or given another stop or size."""
    moved = (row for row in changes.rows.get("positions", ()) if row.id in changes.moved_positions)
    return {row.session for row in (*changes.rows.get("trades", ()), *moved)}


def _gap_milliseconds(tables: Set[str], urgent: bool) -> int:
    """How long a page may leave it so that some tables changed."""
    if urgent:
        return 0
    return PRICE_GAP_MILLISECONDS if tables == {"positions"} else GAP_MILLISECONDS
