"""The demo: an embedded PostgreSQL with a made-up history, and a simulated engine that goes on writing."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import asyncpg
import platformdirs

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.schema import create_schema
from monitoring.demo.engine import Engine
from monitoring.demo.past import DAYS, seed_history
from monitoring.postgres.embedded import EmbeddedServer

log = logging.getLogger(__name__)

DATABASE = "monitoring_demo_2"
"""An older version filled ``monitoring_demo`` with trades every few seconds, which this one cannot go on from."""
UNFINISHED = "monitoring_demo_unfinished"
"""The database has this name while it is filled, so that a half-filled one is never used."""

STOP_SECONDS = 5.0
"""The engine has so long to end its sessions; after that it is killed, as in a crash."""

Progress = Callable[[float, str], None]


def default_demo_dir() -> Path:
    """Where the demo's PostgreSQL is kept unless a setting says otherwise."""
    if sys.platform != "win32" and os.geteuid() == 0:
        # PostgreSQL runs as another account then, which must not be let into root's home.
        return Path("/var/lib/monitoring-dashboard/demo")
    return Path(platformdirs.user_data_dir("monitoring-dashboard", appauthor=False)) / "demo"


@asynccontextmanager
async def demo_database(
    data_dir: Path, progress: Progress, *, speed: float = 1.0, days: int = DAYS
) -> AsyncIterator[str]:
    """The address of the demo's database, alive for as long as the context lasts.

    ``speed`` is how many times as fast its bots trade, ``days`` how long the past is that it is filled with.
    ``progress`` is called with a fraction from 0 to 1 and what is being done. Raises EmbeddedError where PostgreSQL
    cannot run.
    """
    progress(0.0, "starting PostgreSQL")
    server = await _start(data_dir)
    try:
        await _fill_if_missing(server, progress, days)
        progress(1.0, "ready")
        url = server.url(DATABASE)
        log.info('the demo\'s database, for psql: "%s"', url)
        async with _running(Engine(url, speed, restart=partial(_start_again, server))):
            yield url
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def _running(engine: Engine) -> AsyncIterator[None]:
    task = asyncio.create_task(engine.run(), name="demo engine")
    try:
        yield
    finally:
        engine.stop()
        await asyncio.wait([task], timeout=STOP_SECONDS)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _start(data_dir: Path) -> EmbeddedServer:
    """Starts in a thread. A cancellation meanwhile must not leave a server that nobody stops."""
    starting = asyncio.create_task(asyncio.to_thread(EmbeddedServer.start, data_dir))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        server = await starting
        await asyncio.to_thread(server.stop)
        raise


async def _start_again(server: EmbeddedServer) -> None:
    """PostgreSQL was killed, say. A cancellation waits, so that no server is left that nobody stops.

    Raises EmbeddedError.
    """
    starting = asyncio.create_task(asyncio.to_thread(server.start_database))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        raise


async def _fill_if_missing(server: EmbeddedServer, progress: Progress, days: int) -> None:
    if await server.has_database(DATABASE):
        return
    progress(0.2, "creating the database")
    await server.drop_database(UNFINISHED)
    await server.create_database(UNFINISHED)
    connection = await asyncpg.connect(server.url(UNFINISHED))
    try:
        await create_schema(connection)
        await seed_history(
            connection, SYSTEM_CLOCK.now(), lambda done, what: progress(0.25 + 0.75 * done, what), days=days
        )
    finally:
        await connection.close()
    await server.rename_database(UNFINISHED, DATABASE)
