"""The many ways in which a database can be away, made one; a mistake of our own stays what it is."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import asyncpg

from monitoring.errors import UserError

SCHEMA_CHANGED = (
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
    asyncpg.InsufficientPrivilegeError,
)
"""A migration or a GRANT moved what we know of the schema: read the capabilities anew and try again."""

MAY_BE_SCHEMA = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
)
"""What reading may end in where a column has another type than a moment ago: worth a look at the schema."""

UNAVAILABLE = (
    OSError,  # the network's ways, TimeoutError among them
    asyncpg.PostgresConnectionError,  # class 08: lost or refused; a pooler's own errors too
    asyncpg.InvalidAuthorizationSpecificationError,  # 28
    asyncpg.InvalidCatalogNameError,  # 3D
    asyncpg.TransactionRollbackError,  # 40: a standby cancels reads that are in the way of its replay
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,  # 53: no connection, memory or disk left
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,  # 57: stopped, crashed, starting, a query cancelled
    asyncpg.PostgresSystemError,  # 58: the server's own disk fails
    asyncpg.InternalServerError,  # XX: the server's own mistake, or a pooler's way of saying no
    asyncpg.TargetServerAttributeNotMatched,
    asyncpg.ClientConfigurationError,  # a wrong address, or certificates that are not there
)

NOT_CONNECTED = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ValueError,
    LookupError,
    OverflowError,
)
"""What else an attempt to connect ends in: whatever the server says no with, it is away for us."""
NO_SUCH_SETTING = (
    asyncpg.CantChangeRuntimeParamError,
    asyncpg.UndefinedObjectError,
    asyncpg.InvalidParameterValueError,
)

TLS_REFUSED = "rejected SSL upgrade"
"""Part of what asyncpg says where a server answers neither yes nor, where that will do, no."""

SENTENCES: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "no answer in time"),
    (asyncpg.InvalidAuthorizationSpecificationError, "user or password refused"),
    (asyncpg.InvalidCatalogNameError, "there is no such database"),
    (asyncpg.TooManyConnectionsError, "the server has no connection left"),
    (asyncpg.LockNotAvailableError, "a table is locked"),
    (asyncpg.QueryCanceledError, "a query took longer than its limit"),
    (asyncpg.CannotConnectNowError, "the server is starting or stopping"),
    (asyncpg.TransactionRollbackError, "the server cancelled a query that was in its way"),
    (asyncpg.InsufficientResourcesError, "the server has no memory or disk left"),
    (asyncpg.TargetServerAttributeNotMatched, "no server of the wanted kind answers"),
    (asyncpg.PostgresSystemError, "the server's disk fails"),
    (asyncpg.ClientConfigurationError, "the address is not understood, or a certificate that it asks for is not there"),
    (asyncpg.ObjectNotInPrerequisiteStateError, "it takes no new connections"),
    (asyncpg.InsufficientPrivilegeError, "the role may not connect to it"),
    *((kind, "it refuses a setting that the address asks for") for kind in NO_SUCH_SETTING),
    (ssl.SSLError, "TLS fails: its certificate is not trusted, or it speaks another version"),
    (socket.gaierror, "there is no such host"),
    (ConnectionRefusedError, "nothing listens there"),
    (asyncpg.InternalServerError, "the server reports a fault of its own"),
    (asyncpg.PostgresConnectionError, "the connection was lost"),
    (asyncpg.PostgresError, "it refuses the connection"),
    *((kind, "the address is not understood") for kind in (ValueError, LookupError, OverflowError)),
)
"""The first that fits says it."""


class DatabaseUnavailable(UserError):
    """The database cannot be reached or does not answer; the message holds no secret."""


class PlainErrors:
    """Turns what UNAVAILABLE lists into DatabaseUnavailable for ``name``, an address without secrets."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UNAVAILABLE):
            raise DatabaseUnavailable(f"{self.name}: {sentence(error)}") from error


@contextmanager
def lost_with(connection: asyncpg.Connection) -> Iterator[None]:
    """Makes asyncpg's complaints about a connection that has gone a lost connection; any others are our mistakes."""
    try:
        yield
    except asyncpg.OutdatedSchemaCacheError:
        raise
    except asyncpg.InternalClientError as error:
        # Server and client have lost each other: the last words of one that ends are not read yet, for instance.
        with suppress(asyncpg.InterfaceError):
            connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError("the connection was lost") from error
    except asyncpg.InterfaceError as error:
        if _is_gone(connection):
            raise asyncpg.ConnectionDoesNotExistError("the connection was lost") from error
        raise


def _is_gone(connection: asyncpg.Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        # One of a pool's, which takes it back as soon as it dies.
        return True


def sentence(error: BaseException) -> str:
    """Why, in words for people."""
    for kind, words in SENTENCES:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError):
        if TLS_REFUSED in str(error):
            return "it does not speak TLS, if it is a PostgreSQL server at all"
        return error.strerror or "cannot be reached"
    return "the connection was lost"
