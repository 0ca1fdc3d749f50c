"""Database addresses: the spellings that occur in the wild made one, and never a password in a message."""

import re
from urllib.parse import urlsplit, urlunsplit

_SCHEME = re.compile(r"^postgres(ql)?(\+\w+)?$")


def normalise_url(url: str) -> str:
    """``postgres://``, ``postgresql+psycopg2://`` and the like as the ``postgresql://`` that asyncpg takes.

    Raises ValueError (without the URL, which holds a password) when it is not a PostgreSQL address.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not _SCHEME.match(scheme):
        raise ValueError("expected an address like postgresql://user:password@host:5432/database")
    return f"postgresql://{rest}"


def describe_url(url: str) -> str:
    """``host:port/database`` for people: no user, no password, no parameters."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2] or "local socket"
    return urlunsplit(("", "", f"{host}{parts.path}", "", "")).lstrip("/")
