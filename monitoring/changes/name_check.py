"""Whether the database's name still leads to the server that is followed: a link may outlive a failover."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass

from monitoring.changes.identity import Identity, identity_of
from monitoring.clock import Clock
from monitoring.database.errors import NOT_CONNECTED, DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.database.serverinfo import ServerInfo

log = logging.getLogger(__name__)

PAUSE_SECONDS = 30.0
OUTLIVED_SECONDS = 60.0
"""A primary that was replaced is followed again only after its successor has been silent for this long."""


@dataclass(slots=True)
class NameCheck:
    """Connects anew now and then, in the background, and compares who answers."""

    database: Database
    clock: Clock
    _next: float = 0.0
    _task: asyncio.Task[tuple[ServerInfo, Identity] | None] | None = None

    def begin(self) -> None:
        """The feed has just made a link: the next check is PAUSE_SECONDS away."""
        self._next = self.clock.monotonic() + PAUSE_SECONDS
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def moved(self, server: ServerInfo, identity: Identity) -> bool:
        """Whether the last check found another server behind the name.

        A primary that was replaced does not count. Another standby of the same primary does not count either, since a
        name may lead to a different one at each connection.
        """
        if self._task is None:
            if self.clock.monotonic() >= self._next:
                self._task = asyncio.create_task(self._look(), name="checking who answers")
            return False
        if not self._task.done():
            return False
        found = self._task.result()
        self.begin()
        if found is None or found == (server, identity) or _is_twin(found, server, identity):
            return False
        if found[1].older_than(identity):
            log.warning("database %s: its name leads to a primary that was replaced", self.database.name)
            return False
        return True

    def refuse_replaced(self, identity: Identity, known: Identity | None, heard: float | None) -> None:
        """Raises DatabaseUnavailable for a primary whose successor was ``heard`` (seconds since 1970) just now."""
        if known is None or heard is None or not identity.older_than(known):
            return
        if self.clock.since_1970() - heard < OUTLIVED_SECONDS:
            raise DatabaseUnavailable(f"{self.database.name}: a primary answers that was replaced by another one")

    async def _look(self) -> tuple[ServerInfo, Identity] | None:
        # The result may never be asked for: asyncio would then log every other error when the task is collected.
        with suppress(DatabaseUnavailable, *NOT_CONNECTED):
            return await self.database.look(identity_of)
        return None


def _is_twin(found: tuple[ServerInfo, Identity], server: ServerInfo, identity: Identity) -> bool:
    return found[0].standby and server.standby and identity.system is not None and found[1] == identity
