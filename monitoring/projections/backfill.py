"""Scans whole tables in the background, and lets pages wait a moment for their end."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from monitoring.backoff import Backoff
from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.database.source import Source
from monitoring.projections.projected import Projected

log = logging.getLogger(__name__)

READER_COUNT = 2
"""How many chunks are read at the same time."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.25, 2.0
BUSY_SECONDS = 3.0
"""For so long after it wrote the engine counts as busy."""
MAX_PROCESSOR_SHARE = 0.5
"""Of one processor, that PostgreSQL spends on scans at most while the engine is busy."""
RECENT_CHUNK_COUNT = 8
"""Of so many chunks the quickest shows how long the server works on one."""
PATIENCE_SECONDS = 0.2
"""For so long after scans began pages wait for their end, before they are shown what is known."""
FEW_ROWS = 20_000
FEW_ROWS_PATIENCE_SECONDS = 5.0
"""The same where so few rows are left: on a busy machine they take long, and are worth it."""
PROGRESS_SECONDS = 5.0
"""After so long progress is announced again."""


class BackfillWorker:
    """Reads the ``scanned`` projections to their end, in their order."""

    def __init__(self, database: Database, clock: Clock, scanned: Sequence[Projected[Any]]) -> None:
        self._database = database
        self._clock = clock
        self._scanned = scanned
        self._backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, clock)
        self._work, self._moved, self._progressed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._recent: deque[float] = deque(maxlen=RECENT_CHUNK_COUNT)
        # By the clock's ``monotonic``.
        self._began, self._announced, self._engine_wrote = -math.inf, -math.inf, -math.inf

    @property
    def active(self) -> bool:
        return any(projected.building for projected in self._scanned)

    def begin(self) -> None:
        """Scans have begun."""
        self._began = self._clock.monotonic()
        self._work.set()

    def engine_wrote(self) -> None:
        """The server is needed by others: scans are slower for a while."""
        self._engine_wrote = self._clock.monotonic()

    async def settle(self) -> None:
        """Waits for scans that will soon be done."""
        while self.active:
            rows = sum(projected.rows_waiting for projected in self._scanned)
            limit = FEW_ROWS_PATIENCE_SECONDS if rows < FEW_ROWS else PATIENCE_SECONDS
            left = self._began + limit - self._clock.monotonic()
            if left <= 0:
                return
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._moved.wait()

    async def progressed(self) -> None:
        """Waits until a good deal more is known of all sessions than when this returned last."""
        await self._progressed.wait()
        self._progressed.clear()

    async def run(self) -> None:
        """Scans what is waiting, for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(READER_COUNT):
                group.create_task(self._scan_for_ever())

    async def _scan_for_ever(self) -> None:
        while True:
            waiting = next((projected for projected in self._scanned if projected.waiting), None)
            if waiting is None:
                await self._work.wait()
                self._work.clear()
                continue
            started = self._clock.monotonic()
            await self._advance(waiting)
            await asyncio.sleep(self._rest_seconds(self._clock.monotonic() - started))

    def _rest_seconds(self, spent: float) -> float:
        """How long a reader rests after a chunk that took ``spent`` seconds, of which it waited for others perhaps."""
        self._recent.append(spent)
        if self._clock.monotonic() - self._engine_wrote >= BUSY_SECONDS:
            return 0.0
        return max(0.0, min(self._recent) * READER_COUNT / MAX_PROCESSOR_SHARE - spent)

    async def _advance(self, projected: Projected[Any]) -> None:
        async def read(connection: asyncpg.Connection, capabilities: Capabilities) -> bool:
            return await projected.advance(Source(connection, capabilities))

        try:
            complete = await self._database.ask(read)
        except DatabaseUnavailable:
            await asyncio.sleep(self._backoff.next())
            return
        if complete:
            log.info("%s: read to the end", projected.table)
            self._work.set()
        if complete or self._clock.monotonic() - self._announced > PROGRESS_SECONDS:
            self._announced = self._clock.monotonic()
            self._progressed.set()
        # Last: pages that wait go on behind those that announce the progress, and name the versions after it.
        self._moved.set()
