"""From what the feed found to who must hear of it: tables to sections, rows to sessions."""

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from monitoring.reader import Reader
from monitoring.realtime.hub import Hub
from monitoring.realtime.watch import Changes, NewRow
from monitoring.sections import SECTIONS

log = logging.getLogger(__name__)

EVERY_SESSION = frozenset({"system_control_flags", "partial_trades"})
"""Tables whose rows belong to no session of their own: all are concerned."""

STALE: Mapping[str, tuple[str, ...]] = {
    table: tuple(section.name for section in SECTIONS if table in section.tables)
    for table in {table for section in SECTIONS for table in section.tables}
}
"""Sections that a change of each table makes stale."""

Rows = Mapping[str, list[NewRow]]
Listener = Callable[[int, Rows], Awaitable[None]]


class Dispatcher:
    """Publishes changes on the hub and hands new rows to ``listener``, a session at a time."""

    def __init__(self, hub: Hub, reader: Reader, listener: Listener, on_clear: Callable[[], None]) -> None:
        self._hub = hub
        self._reader = reader
        self._listener = listener
        self._on_clear = on_clear

    async def change(self, changes: Changes) -> None:
        """Rows came or changed, or old ones were corrected."""
        if "trading_sessions" in changes.rows or "trading_sessions" in changes.corrected:
            self._reader.forget_sessions()
        if changes.corrected:
            log.info("old rows changed in %s: read again", ", ".join(sorted(changes.corrected)))
            self._reader.ledgers.forget(*changes.corrected)
            self._hub.publish(None, _sections(changes.corrected))
        shared = EVERY_SESSION & changes.rows.keys()
        if shared:
            self._hub.publish(None, _sections(shared))
        for session, rows in _by_session(changes).items():
            self._hub.publish(session, _sections(rows))
            await self._listener(session, rows)
        if "trading_sessions" in changes.rows or "trading_sessions" in changes.corrected:
            await self._reader.session("current")

    async def reset(self) -> None:
        """The database is another one: forget everything."""
        self._reader.clear()
        self._on_clear()
        await self._reader.database.read_capabilities()
        await self._reader.session("current")
        self._hub.publish(None, self._hub.sections)

    async def outage(self, gone: bool) -> None:
        """The connection went or came back: either way every section says something else now."""
        was_watching, self._hub.watching = self._hub.watching, not gone
        if was_watching or not gone:
            self._hub.publish(None, self._hub.sections)

    def completed(self, session: int) -> None:
        """A long history has been read to the end."""
        self._hub.publish(session, self._hub.sections)


def _sections(tables: object) -> tuple[str, ...]:
    stale = {section for table in tables for section in STALE.get(table, ())}  # type: ignore[attr-defined]
    return tuple(section.name for section in SECTIONS if section.name in stale)


def _by_session(changes: Changes) -> dict[int, dict[str, list[NewRow]]]:
    found: dict[int, dict[str, list[NewRow]]] = defaultdict(dict)
    for table, rows in changes.rows.items():
        for row in rows:
            if row.session is not None:
                found[row.session].setdefault(table, []).append(row)
    return found
