"""Notices what was committed: a poll with an exact gate, cheap enough to run many times a second.

Nothing is created in the database and nothing but SELECT is needed. If the gate has not moved, nothing was committed.
If it has, one query brings the new ids of every watched table and the row versions of everything that is still
alive (open positions, unfinished orders, running sessions, control flags). Corrections of old rows show in the
server's own counters, which are looked at every few seconds.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from monitoring.database.gate import Gate, read_gate
from monitoring.database.pool import UNAVAILABLE, Database, DatabaseUnavailable, read_server_info
from monitoring.realtime.watch import Changes, Watch

log = logging.getLogger(__name__)

WATCHED_PAUSE = 0.025
"""Seconds between polls while somebody looks."""
UNWATCHED_PAUSE = 1.0
LARGEST_SHARE = 0.05
"""Of the time, at most, that polling may take: a slow server is polled more rarely."""
SLOW_POLL = 0.01
"""Seconds from which a poll counts as slow; quicker ones are left alone, however busy this machine is."""
CATCH_UP = 0.25
"""Seconds that an answer waits, at most, for the news of a feed that was resting."""
CORRECTIONS_PAUSE = 2.0
FIRST_RETRY, LAST_RETRY = 0.25, 5.0


@dataclass(slots=True)
class FeedState:
    """How the feed is doing, for /api/status, /ready and ``atb db verify``."""

    mode: str = "starting"
    """primary, standby, or why there is none: starting, disconnected."""
    polls: int = 0
    changes: int = 0
    last_poll: float | None = None
    """``time.time()`` of the last answer."""
    poll_seconds: float | None = None
    """How long a poll takes, smoothed."""
    error: str | None = None
    gone_since: float | None = None


@dataclass(slots=True)
class Feed:
    """Polls one database. ``on_change`` hears of changes, ``on_reset`` of another database or a lost position,
    ``on_outage`` of the connection going (True) and coming back (False).
    """

    database: Database
    on_change: Callable[[Changes], Awaitable[None]]
    on_reset: Callable[[], Awaitable[None]]
    on_outage: Callable[[bool], Awaitable[None]]
    viewers: Callable[[], int]
    state: FeedState = field(default_factory=FeedState)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _polled: asyncio.Event = field(default_factory=asyncio.Event)
    _watch: Watch | None = None
    _gate: Gate | None = None
    _corrected: float = 0.0

    def wake(self) -> None:
        """Somebody has come to look: poll quickly from now on."""
        self._wake.set()

    async def caught_up(self) -> None:
        """Waits until a poll has begun after this call, so that what is answered next holds all that was committed.

        Returns at once where polls follow each other closely, and gives up where the database does not answer.
        """
        recently = self.state.last_poll is not None and time.time() - self.state.last_poll < 2 * WATCHED_PAUSE
        if recently or self.state.gone_since is not None:
            return
        self._polled.clear()
        self._wake.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._polled.wait(), CATCH_UP)

    async def run(self) -> None:
        """Polls for ever, over one connection after the other."""
        retry = FIRST_RETRY
        while True:
            try:
                await self._follow()
            except (DatabaseUnavailable, *UNAVAILABLE) as error:
                retry = FIRST_RETRY if self.state.gone_since is None else min(LAST_RETRY, retry * 2)
                await self._lost(error)
            await asyncio.sleep(retry)

    async def _lost(self, error: Exception) -> None:
        if self.state.gone_since is None:
            self.state.gone_since = time.time()
            log.warning(
                "database %s lost (%s): figures stay, marked with their age", self.database.name, type(error).__name__
            )
            self.state.mode = "disconnected"
            await self.on_outage(True)
        self.state.error = str(error) or type(error).__name__

    async def _follow(self) -> None:
        connection = await self.database.connect()
        try:
            server = await read_server_info(connection)
            await self._begin(connection, server.standby)
            while True:
                started = time.monotonic()
                await self._poll(connection, server.standby)
                await self._pause(time.monotonic() - started)
        finally:
            connection.terminate()

    async def _begin(self, connection: asyncpg.Connection, standby: bool) -> None:
        watch = self._watch
        identity = await Watch.identity_of(connection)
        if watch is None or watch.identity != identity:
            gate = await read_gate(connection, standby)
            self._watch = await Watch.start(connection, self.database.capabilities, identity)
            self._gate = gate
            if watch is not None:
                log.warning("database %s is another one than before: everything is read anew", self.database.name)
                await self.on_reset()
        self.state.mode = "standby" if standby else "primary"
        self.state.error = None
        if self.state.gone_since is not None:
            log.info("database %s is back after %.0f s", self.database.name, time.time() - self.state.gone_since)
        self.state.gone_since = None
        await self.on_outage(False)

    async def _poll(self, connection: asyncpg.Connection, standby: bool) -> None:
        assert self._watch is not None
        started = time.monotonic()
        gate = await read_gate(connection, standby)
        changes = Changes()
        if not gate.same(self._gate):
            changes = await self._watch.read(connection, gate)
        if started - self._corrected > CORRECTIONS_PAUSE:
            self._corrected = started
            changes.corrected |= await self._watch.corrections(connection)
        self._gate = gate
        self._measure(time.monotonic() - started)
        if changes.lost:
            self._watch = None
            await self.on_reset()
            raise DatabaseUnavailable("ids went backwards")
        if changes:
            self.state.changes += 1
            await self.on_change(changes)
        self._polled.set()

    def _measure(self, seconds: float) -> None:
        state = self.state
        state.polls += 1
        state.last_poll = time.time()
        state.poll_seconds = seconds if state.poll_seconds is None else 0.9 * state.poll_seconds + 0.1 * seconds

    async def _pause(self, spent: float) -> None:
        looked_at = self.viewers() > 0
        pause = max(
            WATCHED_PAUSE if looked_at else UNWATCHED_PAUSE, spent / LARGEST_SHARE - spent if spent > 0.005 else 0
        )
        if looked_at:
            await asyncio.sleep(pause)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), pause)
        self._wake.clear()
