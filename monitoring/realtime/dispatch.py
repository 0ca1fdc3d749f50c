"""From what the feed found to who must hear of it: tables to sections, rows to sessions."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from monitoring.backoff import Backoff
from monitoring.changes.change_set import OLD_ROWS, ChangeSet, NewRow
from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.hub import Hub
from monitoring.reading.reader import Reader
from monitoring.reading.stale_sections import StaleSections
from monitoring.scope import CURRENT, UnknownSession

Rows = Mapping[str, Sequence[NewRow]]
Listener = Callable[[int, Rows], Awaitable[None]]

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 0.5
FIGURES_MOVED: Rows = {"account_history": []}
"""What the listener is told where no row can be named: whatever is computed may be different now."""


class Dispatcher:
    """Publishes changes on the hub at once, which cannot fail, and hands new rows to ``listener``, which may.

    The listener reads the database, so it is called by :meth:`run`, a session at a time, and again where that fails.
    """

    def __init__(
        self, hub: Hub, reader: Reader, stale: StaleSections, listener: Listener, on_clear: Callable[[], None]
    ) -> None:
        self._hub = hub
        self._reader = reader
        self._stale = stale
        self._listener = listener
        self._on_clear = on_clear
        self._untold: dict[int, dict[str, dict[int, NewRow]]] = {}
        self._sessions_moved = True
        self._backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._work = asyncio.Event()
        self._work.set()

    async def change(self, changes: ChangeSet) -> None:
        """Rows came or changed, or old ones were corrected."""
        if self._reader.moved_sessions(changes):
            self._forget_sessions()
        by_session = _by_session(changes)
        # Rows of no session may concern every one.
        shared = changes.corrected | by_session.pop(None, {}).keys()
        if shared:
            self._hub.publish(None, self._stale.after(shared))
            self._tell_figures(changes.corrected)
        for session, rows in by_session.items():
            if session is not None:
                self._hub.publish(session, self._stale.after(rows))
                self._keep(session, rows)
        self._work.set()

    async def reset(self) -> None:
        """The database is another one: forget everything."""
        self._reader.clear()
        self._on_clear()
        self._untold.clear()
        self._forget_sessions()
        self._hub.publish(None, self._hub.sections)
        self._tell_figures()
        self._work.set()

    async def outage(self, gone: bool) -> None:
        """The connection went or came back: either way every section says something else now."""
        was_watching, self._hub.watching = self._hub.watching, not gone
        if not gone:
            self._forget_sessions()
            self._tell_figures()
            self._work.set()
        if was_watching or not gone:
            self._hub.publish(None, self._hub.sections)

    def sessions_moved(self) -> None:
        """Another bot may be current, or bots may consist of other sessions."""
        self._forget_sessions()
        self._work.set()

    def more_known(self) -> None:
        """A good deal more of the history has been read."""
        self._forget_sessions()
        self._hub.publish(None, self._hub.sections)
        self._tell_figures()
        self._work.set()

    async def run(self) -> None:
        """Does for ever what needs the database: finds the current session, tells the listener."""
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._find_current()
                while self._untold:
                    await self._tell(next(iter(self._untold)))
            except (DatabaseUnavailable, TableMissing):
                await asyncio.sleep(self._backoff.next())
                self._work.set()

    def _tell_figures(self, corrected: Iterable[str] = ()) -> None:
        if shown := self._hub.members(CURRENT):
            self._keep(max(shown), {**FIGURES_MOVED, **{table: [OLD_ROWS] for table in corrected}})

    def _forget_sessions(self) -> None:
        self._reader.forget_sessions()
        self._sessions_moved = True

    async def _find_current(self) -> None:
        while self._sessions_moved:
            self._sessions_moved = False
            try:
                await self._find_followed()
            except BaseException:
                self._sessions_moved = True
                raise

    async def _find_followed(self) -> None:
        """Finds out which sessions everything that somebody looks at consists of by now."""
        for scope in (CURRENT, *sorted(self._hub.viewed() - {CURRENT})):
            with suppress(UnknownSession):
                await self._reader.find(scope)

    async def _tell(self, session: int) -> None:
        rows = self._untold.pop(session)
        try:
            await self._listener(session, {table: list(by_id.values()) for table, by_id in rows.items()})
        except (DatabaseUnavailable, TableMissing):
            newer, self._untold[session] = self._untold.pop(session, {}), rows
            self._keep(session, {table: list(by_id.values()) for table, by_id in newer.items()})
            raise

    def _keep(self, session: int, rows: Rows) -> None:
        """Of a row that changed again before anybody was told, the newest state counts; it is new if it ever was."""
        kept = self._untold.setdefault(session, {})
        for table, found in rows.items():
            by_id = kept.setdefault(table, {})
            for row in found:
                known = by_id.get(row.id)
                is_new = row.is_new or (known is not None and known.is_new)
                by_id[row.id] = NewRow(row.id, row.session, is_new, row.finished)


def _by_session(changes: ChangeSet) -> dict[int | None, dict[str, list[NewRow]]]:
    found: dict[int | None, dict[str, list[NewRow]]] = {}
    for table, rows in changes.rows.items():
        for row in rows:
            found.setdefault(row.session, {}).setdefault(table, []).append(row)
    return found
