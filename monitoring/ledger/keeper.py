"""Keeps a ledger for each session that is looked at, and reads long histories in the background."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from monitoring.database.pool import Database, DatabaseUnavailable
from monitoring.ledger.session import Ledger
from monitoring.metrics.facts import Session

log = logging.getLogger(__name__)

MOST_SESSIONS = 8
"""Sessions whose state is kept; the one looked at longest ago is dropped first."""
RETRY = 2.0


class Ledgers:
    """Ledgers by session. ``on_complete`` hears of each session whose long history has been read to the end."""

    def __init__(self, database: Database, on_complete: Callable[[int], None]) -> None:
        self._database = database
        self._on_complete = on_complete
        self._ledgers: OrderedDict[int, Ledger] = OrderedDict()
        self._work = asyncio.Event()

    def of(self, session: Session) -> Ledger:
        ledger = self._ledgers.get(session.id)
        if ledger is None or ledger.session != session:
            ledger = self._ledgers[session.id] = Ledger.of(session)
        self._ledgers.move_to_end(session.id)
        while len(self._ledgers) > MOST_SESSIONS:
            self._ledgers.popitem(last=False)
        return ledger

    def forget(self, *tables: str) -> None:
        """Old rows of ``tables`` changed in the database."""
        for ledger in self._ledgers.values():
            ledger.forget(*tables)

    def clear(self) -> None:
        """The database is another one: nothing that is known holds."""
        self._ledgers.clear()

    def wake(self) -> None:
        """There may be a history to read in the background."""
        self._work.set()

    @property
    def progress(self) -> dict[int, float]:
        """Share read of each history that is still being read, by session."""
        return {
            number: ledger.history.backlog.progress
            for number, ledger in self._ledgers.items()
            if ledger.history.backlog is not None
        }

    async def run(self) -> None:
        """Reads what is waiting, for ever, never using more than half the time."""
        while True:
            waiting = [ledger for ledger in self._ledgers.values() if ledger.history.backlog is not None]
            if not waiting:
                await self._work.wait()
                self._work.clear()
                continue
            for ledger in waiting:
                await self._advance(ledger)

    async def _advance(self, ledger: Ledger) -> None:
        started = time.monotonic()
        try:
            async with self._database.acquire() as connection:
                complete = await ledger.advance(connection)
        except DatabaseUnavailable:
            await asyncio.sleep(RETRY)
            return
        if complete:
            log.info("session %s: history complete", ledger.session.id)
            self._on_complete(ledger.session.id)
        await asyncio.sleep(time.monotonic() - started)
