"""Looks for open positions that are not watched: one that was opened again, or that a restart brought back."""

from dataclasses import dataclass
from math import inf

import asyncpg

from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import Clock

PAUSE_SECONDS = 1.0
MAX_PROCESSOR_SHARE = 0.002
"""Of a processor, at most: where the table is long and has no index on its open rows, looks are rarer."""
CLOSELY_SECONDS = 60.0
"""For so long after a session appeared every poll looks, whatever it costs: positions are moved to it just then."""


@dataclass(slots=True)
class OpenLook:
    """When the next look is due."""

    clock: Clock
    _next: float = -inf
    _closely_until: float = -inf

    def restarted(self) -> None:
        """A session appeared."""
        self._closely_until = self.clock.monotonic() + CLOSELY_SECONDS

    async def finds(self, connection: asyncpg.Connection, watch: TableCursors) -> bool:
        """Looks, if that is due; True where there is an open position that was not watched and is from now on."""
        started = self.clock.monotonic()
        if started < self._next and started >= self._closely_until:
            return False
        found = await watch.track_open_positions(connection)
        cost = self.clock.monotonic() - started
        self._next = started + max(PAUSE_SECONDS, cost / MAX_PROCESSOR_SHARE)
        return found
