"""What a server says no with while we connect."""

from collections.abc import Iterator
from contextlib import contextmanager

from monitoring.database.errors import (
    NO_SUCH_SETTING,
    NOT_CONNECTED,
    TLS_REFUSED,
    UNAVAILABLE,
    DatabaseUnavailable,
    sentence,
)
from monitoring.database.url import demands_tls, describe_url, settings_of


@contextmanager
def refusals(url: str) -> Iterator[None]:
    """Whatever a server says no with while we connect, it is away."""
    try:
        yield
    except UNAVAILABLE as error:
        if isinstance(error, ConnectionError) and TLS_REFUSED in str(error) and not demands_tls(url):
            # A PostgreSQL server without TLS says so, and asyncpg goes on without it.
            raise DatabaseUnavailable(f"{describe_url(url)}: it is not a PostgreSQL server") from error
        raise
    except NOT_CONNECTED as error:
        named = f" ({settings_of(url)})" if isinstance(error, NO_SUCH_SETTING) else ""
        raise DatabaseUnavailable(f"{describe_url(url)}: {sentence(error)}{named}") from error
