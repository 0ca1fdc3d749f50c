"""Keeps a ledger for each session that is looked at, and reads long tables in the background."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from monitoring.clock import Clock
from monitoring.database.errors import MAY_BE_SCHEMA, SCHEMA_CHANGED, DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.ledger.session import Ledger
from monitoring.metrics.facts import Session

log = logging.getLogger(__name__)

MOST_LEDGERS = 8
"""Sessions whose state is kept; the one looked at longest ago is dropped first."""
RETRY = 2.0
REST = 0.5
"""Seconds of rest for each second of reading, so that others get at the disk and at this process."""
TELL = 5.0
"""Seconds after which progress is told again."""


class Ledgers:
    """Ledgers by session. ``on_progress`` hears of each session of which a good deal more is known."""

    def __init__(self, database: Database, clock: Clock, on_progress: Callable[[int], None]) -> None:
        self._database = database
        self._clock = clock
        self._on_progress = on_progress
        self._ledgers: OrderedDict[int, Ledger] = OrderedDict()
        self._reading: set[Ledger] = set()
        """Those of which somebody may have been told that they are still being read."""
        self._work = asyncio.Event()
        self._told = 0.0

    def of(self, session: Session) -> Ledger:
        ledger = self._ledgers.get(session.id)
        if ledger is None:
            ledger = self._ledgers[session.id] = Ledger.of(session, self._clock)
        ledger.follow(session)
        self._ledgers.move_to_end(session.id)
        while len(self._ledgers) > MOST_LEDGERS:
            self._ledgers.popitem(last=False)
        return ledger

    def instead_of(self, worn: Ledger) -> Ledger:
        """Another one, the schema having changed under ``worn``: what that is reading may not be there any more."""
        if self._ledgers.get(worn.session.id) is worn:
            del self._ledgers[worn.session.id]
        if worn in self._reading:
            self._on_progress(worn.session.id)
        return self.of(worn.session)

    def forget(self, *tables: str) -> None:
        """Old rows of ``tables`` changed in the database."""
        for ledger in self._ledgers.values():
            ledger.forget(*tables)

    def clear(self) -> None:
        """The database is another one: nothing that is known holds."""
        self._ledgers.clear()

    def wake(self, ledger: Ledger) -> None:
        """There is something to read in the background, and somebody has been told so."""
        self._reading.add(ledger)
        self._work.set()

    @property
    def progress(self) -> dict[int, float]:
        """How much has been read of each session that is still being read, 0 to 1."""
        return {number: ledger.progress for number, ledger in self._ledgers.items() if ledger.reading}

    async def run(self) -> None:
        """Reads what is waiting, for ever."""
        while True:
            self._tell_of_complete()
            waiting = [ledger for ledger in self._ledgers.values() if ledger.reading]
            if not waiting:
                await self._work.wait()
                self._work.clear()
            for ledger in waiting:
                started = self._clock.monotonic()
                await self._advance(ledger)
                await asyncio.sleep(REST * (self._clock.monotonic() - started))

    def _tell_of_complete(self) -> None:
        """Whoever completed them: what was said of them is no longer true."""
        self._reading &= set(self._ledgers.values())
        for ledger in [ledger for ledger in self._reading if not ledger.reading]:
            self._reading.discard(ledger)
            log.info("session %s: history complete", ledger.session.id)
            self._on_progress(ledger.session.id)

    async def _advance(self, ledger: Ledger) -> None:
        adapted = self._database.adapted
        try:
            async with self._database.acquire() as connection:
                assert self._database.server is not None
                database = self._database.capabilities, self._database.server.standby
                known_more = await ledger.advance(connection, *database)
        except DatabaseUnavailable:
            await asyncio.sleep(RETRY)
        except MAY_BE_SCHEMA as error:
            if not isinstance(error, SCHEMA_CHANGED) and not await self._database.moved(adapted):
                raise
            # What is being read was asked for in words that no longer fit.
            self._ledgers.pop(ledger.session.id, None)
            self._on_progress(ledger.session.id)
        else:
            if ledger.reading and (known_more or self._clock.monotonic() - self._told > TELL):
                self._told = self._clock.monotonic()
                log.info("session %s: reading its history, %.0f %%", ledger.session.id, ledger.progress * 100)
                self._on_progress(ledger.session.id)
