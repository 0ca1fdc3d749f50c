"""The simulated engine: it runs the demo's bots on a made-up market, and stops and starts as the real one does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg
import numpy as np

from monitoring.demo import journal
from monitoring.demo.bot import Bot
from monitoring.demo.market import Market
from monitoring.demo.past import RUNNING
from monitoring.demo.resume import last_closes, last_prices, resume
from monitoring.demo.store import Postgres, RealTimer, SessionsDeleted, Timer
from monitoring.errors import UserError

log = logging.getLogger(__name__)

SESSIONS = "SELECT count(*) FROM trading_sessions WHERE id = ANY($1::int[])"
CONNECTION_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
COMMAND_SECONDS = 5.0
RETRY_SECONDS = 1.0
TICK_SECONDS = 3.0
SKILL_FACTOR = 3.0
"""By how much skill falls for a profit since the start, and rises for a loss, so that a demo neither soars nor dies."""


class Engine:
    """``speed`` is how many times as fast the market moves and the bots trade; rows carry the true time.

    ``restart`` is called where the database is lost, and may start it again; where it cannot it raises UserError.
    """

    def __init__(
        self,
        url: str,
        speed: float = 1.0,
        timer: Timer | None = None,
        generator: np.random.Generator | None = None,
        restart: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._url = url
        self._restart = restart
        self._speed = speed
        self._timer = timer or RealTimer()
        self._random = generator or np.random.default_rng()
        self._stopping = asyncio.Event()
        self._lost = False
        self._failure = ""
        """Why the engine or its database could not be started again, as it was logged last."""

    def stop(self) -> None:
        """Asks for a clean stop, which ends the sessions."""
        self._stopping.set()

    async def run(self) -> None:
        """Trades until it is stopped; where the database goes away it waits, and goes on from what it finds there."""
        while not self._stopping.is_set():
            try:
                async with _connected(self._url) as connection:
                    await self._trade(connection)
            except (SessionsDeleted, asyncpg.ForeignKeyViolationError):
                log.warning("sessions of the demo were deleted: its engine goes on from what is left")
            except CONNECTION_ERRORS as error:
                await self._lose_database(error)
            except Exception as error:
                # A mistake in the demo must not end the dashboard that shows it.
                if repr(error) != self._failure:
                    log.exception("the demo's engine failed and starts again")
                self._failure = repr(error)
            await self._pause(RETRY_SECONDS)

    async def _lose_database(self, error: Exception) -> None:
        if not self._lost:
            log.warning("the demo's engine lost its database and tries again: %s", error or type(error).__name__)
        self._lost = True
        try:
            if self._restart is not None:
                await self._restart()
        except UserError as failure:
            if str(failure) != self._failure:
                log.warning("the demo's database cannot be started again: %s", failure)
            self._failure = str(failure)

    async def _trade(self, connection: asyncpg.Connection) -> None:
        market, bots = await start_bots(connection, self._timer, self._random, self._speed)
        if self._lost:
            self._lost, self._failure = False, ""
            text = "Connection to the database lost and restored"
            for desk in (bot.desk for bot in bots):
                at = self._timer.now()
                await desk.log(
                    journal.event(desk.info, at, "WARNING", "warning", "database", text, code="DB_RECONNECT")
                )
        while not self._stopping.is_set():
            await _expect_sessions(connection, bots)
            await tick(market, bots)
            await self._pause(TICK_SECONDS)
        for bot in bots:
            await bot.desk.end()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


async def start_bots(
    connection: asyncpg.Connection, timer: Timer, generator: np.random.Generator, speed: float
) -> tuple[Market, list[Bot]]:
    store = Postgres(connection)
    market = Market(await last_prices(connection), generator, TICK_SECONDS * speed)
    bots = []
    for style in RUNNING:
        closes = await last_closes(connection, style)
        bots.append(Bot(style, await resume(store, timer, style), market, generator, speed, style.skill, closes))
    return market, bots


async def _expect_sessions(connection: asyncpg.Connection, bots: Sequence[Bot]) -> None:
    """Raises SessionsDeleted."""
    if await connection.fetchval(SESSIONS, [bot.desk.info.id for bot in bots]) < len(bots):
        raise SessionsDeleted


async def tick(market: Market, bots: Sequence[Bot]) -> None:
    """The market moves, and every bot sees to its positions."""
    market.tick()
    for bot in bots:
        gained = float(bot.desk.realized / bot.desk.balance)
        bot.skill = float(np.clip(bot.style.skill - SKILL_FACTOR * gained, 0.4, 0.8))
        await bot.tick()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    settings = {"timezone": "UTC", "application_name": "demo-engine"}
    connection = await asyncpg.connect(
        url, timeout=COMMAND_SECONDS, command_timeout=COMMAND_SECONDS, server_settings=settings
    )
    try:
        yield connection
    finally:
        # Whatever was under way is rolled back by the server.
        connection.terminate()
