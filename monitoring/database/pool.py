"""The way to the engine's database: a small pool of read-only connections that heals itself."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.database.url import describe_url

log = logging.getLogger(__name__)

POOL_SIZE = 6
CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 10.0
MINIMUM_VERSION = (13, 0)

READ_ONLY_SETUP = """
SET default_transaction_read_only = on;
SET statement_timeout = '5s';
SET lock_timeout = '200ms';
SET idle_in_transaction_session_timeout = '30s';
"""

SCHEMA_CHANGED = (
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.InsufficientPrivilegeError,
)


class DatabaseUnavailable(Exception):
    """The database cannot be reached or does not answer; the message holds no secret."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What is at the other end, as the feed and ``atb db verify`` need to know it."""

    version: str
    standby: bool
    pooled: bool
    """A transaction pooler such as PgBouncer stands between: no session state, no prepared statements."""


class Database:
    """Connections to one database, and what is known about it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = describe_url(url)
        self.server: ServerInfo | None = None
        self.capabilities = Capabilities({})
        self.last_contact: float | None = None
        """``time.time()`` of the last answer."""
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Connects and reads the schema. Raises DatabaseUnavailable with one sentence."""
        with PlainErrors(self.name):
            connection = await self.connect(statement_cache_size=0)
            try:
                self.server = await read_server_info(connection)
                self.capabilities = await Capabilities.read(connection)
            finally:
                await connection.close()
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=0,
                max_size=POOL_SIZE,
                timeout=CONNECT_TIMEOUT,
                command_timeout=COMMAND_TIMEOUT,
                statement_cache_size=0 if self.server.pooled else 200,
                server_settings=SERVER_SETTINGS,
                init=self._prepare,
                reset=_keep_settings,
            )
        self.last_contact = time.time()

    async def connect(self, statement_cache_size: int | None = None) -> asyncpg.Connection:
        """One connection outside the pool, for the feed; the caller closes it."""
        if statement_cache_size is None:
            statement_cache_size = 0 if self.server and self.server.pooled else 200
        connection = await asyncpg.connect(
            self.url,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            statement_cache_size=statement_cache_size,
            server_settings=SERVER_SETTINGS,
        )
        try:
            await self._prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        if not await behind_pooler(connection):
            await connection.execute(READ_ONLY_SETUP)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for a few short queries. Raises DatabaseUnavailable when there is none to be had."""
        if self._pool is None:
            raise DatabaseUnavailable(f"{self.name}: not connected")
        with PlainErrors(self.name):
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
                try:
                    yield connection
                except SCHEMA_CHANGED:
                    await self.read_capabilities()
                    raise
        self.last_contact = time.time()

    async def read_capabilities(self) -> None:
        """Reads the schema anew, after a migration moved it."""
        assert self._pool is not None
        async with self._pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
            await connection.reload_schema_state()
            self.capabilities = await Capabilities.read(connection)

    async def close(self) -> None:
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), 1.0)
            except TimeoutError:
                self._pool.terminate()


SERVER_SETTINGS = {"timezone": "UTC", "application_name": "atb-monitoring"}


async def _keep_settings(_connection: asyncpg.Connection) -> None:
    """asyncpg's default reset would undo READ_ONLY_SETUP and cost a round trip at every release."""


async def behind_pooler(connection: asyncpg.Connection) -> bool:
    """Whether a pooler answers for the server: then the process id it gave at start is not the backend's."""
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    return bool(backend != connection.get_server_pid())


async def read_server_info(connection: asyncpg.Connection) -> ServerInfo:
    """Raises DatabaseUnavailable for a server too old for the feed's gate."""
    version = connection.get_server_version()
    if (version.major, version.minor) < MINIMUM_VERSION:
        raise DatabaseUnavailable(f"PostgreSQL {version.major} is too old: 13 or newer is needed")
    standby = await connection.fetchval("SELECT pg_is_in_recovery()")
    return ServerInfo(f"{version.major}.{version.minor}", standby, await behind_pooler(connection))


class PlainErrors:
    """Turns the many ways in which a database can be away into DatabaseUnavailable."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UNAVAILABLE):
            raise DatabaseUnavailable(f"{self.name}: {_sentence(error)}") from error


UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.ClientConfigurationError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
)


def _sentence(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "user or password refused"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "there is no such database"
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return "the server has no connection left"
    if isinstance(error, asyncpg.QueryCanceledError):
        return "a query took longer than its limit"
    if isinstance(error, OSError):
        return error.strerror or "cannot be reached"
    return "the connection was lost"
