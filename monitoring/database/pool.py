"""The way to the engine's database: a small pool of read-only connections that heals itself.

All connections lead to one server, the one that the feed follows: what the feed was told must be visible to whoever
reads because of it, and another server (a replica behind the same name, the old primary after a failover) may lag.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import asyncpg

from monitoring.clock import Clock
from monitoring.database.capabilities import FLAGS, Capabilities
from monitoring.database.connection import READ_ONLY_SETUP, SERVER_SETTINGS, Connection
from monitoring.database.errors import (
    MAY_BE_SCHEMA,
    SCHEMA_CHANGED,
    UNAVAILABLE,
    DatabaseUnavailable,
    PlainErrors,
    lost_with,
)
from monitoring.database.refusals import refusals
from monitoring.database.serverinfo import ServerInfo, read_server_info
from monitoring.database.url import describe_url
from monitoring.database.waits import Waits

__all__ = ["SCHEMA_CHANGED", "UNAVAILABLE", "Database", "DatabaseUnavailable"]

log = logging.getLogger(__name__)

T = TypeVar("T")

POOL_CONNECTION_COUNT = 4
"""Few, since the engine's server allows only so many: two for scans, the others for pages."""
CONNECT_TIMEOUT_SECONDS = 5.0
COMMAND_TIMEOUT_SECONDS = 10.0
FULL_PAUSE_SECONDS = 0.05
"""Seconds between two tries where the server has no connection left, but one of ours may become free."""
RETIRED_WITHIN_SECONDS = 2 * COMMAND_TIMEOUT_SECONDS


class Database:
    """Connections to one database, and what is known about it."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self.name = describe_url(url)
        self.server: ServerInfo | None = None
        self.capabilities = Capabilities()
        self.adapted = 0
        """How often the capabilities were found to be others, whoever found it."""
        self.astray = False
        """A connection led to another server than the one that is followed."""
        self._clock = clock
        self._followed = False
        self._away: str | None = None
        """Why there is nothing to connect to, as far as the feed knows."""
        self._pool: asyncpg.Pool | None = None
        self._spent = False
        """The pool's connections lead nowhere: the next reader makes a new pool."""
        self._borrowing = Waits()
        self._retiring: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Connects and reads the schema. Raises DatabaseUnavailable with one sentence."""
        connection, self.server = await self.connect()
        try:
            with PlainErrors(self.name):
                self.adapt(await Capabilities.read(connection))
        finally:
            connection.terminate()
        self._away = None
        await self._renew()

    async def connect(self) -> tuple[asyncpg.Connection, ServerInfo]:
        """A connection outside the pool, for the feed, which closes it. Raises DatabaseUnavailable.

        After a failure :meth:`acquire` gives up at once until :meth:`follow`: nobody waits for what is not there.
        """
        try:
            with PlainErrors(self.name):
                found = await self._connect(
                    self.url, timeout=CONNECT_TIMEOUT_SECONDS, command_timeout=COMMAND_TIMEOUT_SECONDS
                )
        except DatabaseUnavailable as error:
            # A server that is merely full still answers the connections that we hold.
            self._away = None if isinstance(error.__cause__, asyncpg.TooManyConnectionsError) else str(error)
            raise
        return found

    async def look(self, read: Callable[[asyncpg.Connection], Awaitable[T]]) -> tuple[ServerInfo, T]:
        """What ``read`` gives over a connection of its own, and who answers. Raises DatabaseUnavailable."""
        with PlainErrors(self.name):
            options = {"timeout": CONNECT_TIMEOUT_SECONDS, "command_timeout": COMMAND_TIMEOUT_SECONDS}
            connection, server = await self._connect(self.url, **options)
            try:
                return server, await read(connection)
            finally:
                connection.terminate()

    async def follow(self, connection: asyncpg.Connection, server: ServerInfo) -> None:
        """Makes ``server``, behind the feed's ``connection``, the one that everybody reads from."""
        self.adapt(await Capabilities.read(connection))
        moved = server != self.server
        self.server, self.astray, self._followed = server, False, True
        self.answers()
        if moved:
            await self._renew()

    async def lost(self) -> None:
        """The feed's link broke: the pool's connections may be dead without knowing it."""
        if self._pool is not None:
            await self._renew()

    def silent(self, why: str, *, reading_too: bool) -> None:
        """The server owes the feed an answer: nobody waits for a connection; ``reading_too``: nor for a query."""
        self._away, self._spent = f"{self.name}: {why}", True
        self._borrowing.interrupt()
        if reading_too and self._pool is not None:
            self._pool.terminate()

    def answers(self) -> None:
        """The feed hears the server (again)."""
        self._away = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for a few short queries. Raises DatabaseUnavailable when there is none to be had."""
        with PlainErrors(self.name):
            async with self._borrowing.interruptible():
                pool, connection = await self._borrow()
            try:
                with lost_with(connection):
                    yield connection
            except SCHEMA_CHANGED:
                await self.read_schema(connection)
                raise
            except TimeoutError:
                # The peer is silent: giving the connection back would wait for it once more.
                connection.terminate()
                raise
            finally:
                # A pool that was retired meanwhile has given the connection up itself.
                with suppress(asyncpg.InternalClientError):
                    await pool.release(connection, timeout=CONNECT_TIMEOUT_SECONDS)

    async def steady(self, read: Callable[[], Awaitable[T]]) -> T:
        """What ``read`` gives; where the schema moved under it, once more with the columns that there are by now.

        The one rule for everybody who reads. Raises DatabaseUnavailable where that does not help, and what ``read``
        raises for other reasons.
        """
        adapted = self.adapted
        try:
            return await read()
        except (*UNAVAILABLE, DatabaseUnavailable):
            raise
        except MAY_BE_SCHEMA as error:
            if not await self.moved(adapted) and not isinstance(error, SCHEMA_CHANGED):
                raise
        try:
            return await read()
        except SCHEMA_CHANGED as error:
            raise DatabaseUnavailable(f"{self.name}: a query does not fit its tables, or the role's rights") from error

    async def ask(self, load: Callable[[asyncpg.Connection, Capabilities], Awaitable[T]]) -> T:
        """What ``load`` reads over a connection; see :meth:`steady`."""

        async def once() -> T:
            async with self.acquire() as connection:
                return await load(connection, self.capabilities)

        return await self.steady(once)

    async def moved(self, adapted: int) -> bool:
        """Whether the capabilities are others than when they had been adapted so often."""
        if self.adapted == adapted:
            async with self.acquire() as connection:
                await self.read_schema(connection)
        return self.adapted != adapted

    async def read_schema(self, connection: asyncpg.Connection) -> None:
        """Reads the capabilities anew, after a migration moved them, over a connection that is held anyway."""
        with lost_with(connection):
            await connection.reload_schema_state()
            self.adapt(await Capabilities.read(connection))

    def adapt(self, capabilities: Capabilities) -> None:
        """This is what there is now."""
        if capabilities == self.capabilities:
            return
        if gone := capabilities.gone_since(self.capabilities):
            log.warning("database %s has no readable %s any more", self.name, ", ".join(gone))
        if hidden := capabilities.hidden_since(self.capabilities):
            unseen = capabilities.fault(*FLAGS) if capabilities.hides(*FLAGS) else None
            whys = [f"a kill switch would go unseen, {why}" if why == unseen else why for why in hidden]
            log.warning("database %s: %s", self.name, "; ".join(whys))
        self.capabilities = capabilities
        self.adapted += 1

    async def close(self) -> None:
        for task in self._retiring:
            task.cancel()
        if self._pool is not None:
            await _retire(self._pool, 1.0)

    async def _borrow(self) -> tuple[asyncpg.Pool, asyncpg.Connection]:
        deadline = self._clock.monotonic() + CONNECT_TIMEOUT_SECONDS
        while True:
            pool = self._pool
            if pool is None or self._away is not None:
                raise DatabaseUnavailable(self._away or f"{self.name}: not connected")
            if self._spent:
                await self._renew()
                continue
            try:
                return pool, await pool.acquire(timeout=CONNECT_TIMEOUT_SECONDS)
            except asyncpg.InterfaceError:
                # Closed under our hands: at the end of all, or because the link broke and there is a new pool.
                if not pool.is_closing():
                    raise
                if pool is self._pool:
                    raise DatabaseUnavailable(f"{self.name}: not connected") from None
            except asyncpg.TooManyConnectionsError:
                if pool.get_size() == 0 or self._clock.monotonic() > deadline:
                    raise
                await asyncio.sleep(FULL_PAUSE_SECONDS)

    async def _connect(self, *arguments: Any, **options: Any) -> tuple[asyncpg.Connection, ServerInfo]:
        expected = self.server
        # A pooler would mix up prepared statements; until one is known not to stand between, there are none.
        cache = {"statement_cache_size": 0} if expected is None or expected.pooled else {}
        options = {**options, **cache, "server_settings": SERVER_SETTINGS, "connection_class": Connection}
        with refusals(self.url):
            connection = await asyncpg.connect(*arguments, **options)
        connection.capabilities = lambda: self.capabilities
        try:
            with lost_with(connection):
                await connection.take_times()
                server = await read_server_info(connection)
                if server.pooled and not cache:
                    raise DatabaseUnavailable(f"{self.name}: a pooler answers where there was none")
                if not server.pooled:
                    await connection.execute(READ_ONLY_SETUP)
        except BaseException:
            connection.terminate()
            raise
        return connection, server

    async def _connect_reader(self, *arguments: Any, **options: Any) -> asyncpg.Connection:
        connection, server = await self._connect(*arguments, **options)
        if self._followed and server != self.server:
            connection.terminate()
            self.astray = True
            raise DatabaseUnavailable(f"{self.name}: another server answers than before")
        return connection

    async def _renew(self) -> None:
        """A new pool; the old one ends when those who hold its connections are done, or RETIRED_WITHIN_SECONDS are."""
        # What a NAT has forgotten is silent: behind a pooler nothing keeps a link alive that nobody uses.
        idle = 300.0 if self.server is None or self.server.pooled else 0
        self._spent = False
        old, self._pool = (
            self._pool,
            await asyncpg.create_pool(
                self.url,
                connect=self._connect_reader,
                connection_class=Connection,
                min_size=0,
                max_size=POOL_CONNECTION_COUNT,
                max_inactive_connection_lifetime=idle,
                max_cached_statement_lifetime=0,
                timeout=CONNECT_TIMEOUT_SECONDS,
                command_timeout=COMMAND_TIMEOUT_SECONDS,
                reset=_keep_settings,
            ),
        )
        if old is not None:
            task = asyncio.create_task(_retire(old, RETIRED_WITHIN_SECONDS), name="retiring connections")
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)


async def _retire(pool: asyncpg.Pool, patience: float) -> None:
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        try:
            async with asyncio.timeout(patience):
                await pool.close()
        finally:
            pool.terminate()


async def _keep_settings(_connection: asyncpg.Connection) -> None:
    """asyncpg's default reset would undo READ_ONLY_SETUP and cost a round trip at every release."""
