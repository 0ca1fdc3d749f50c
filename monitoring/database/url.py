"""Database addresses: the spellings that occur in the wild made one, and never a password in a message."""

import re

_SCHEME = re.compile(r"^postgres(ql)?(\+\w+)?$")
_HOST = re.compile(r"^(\[[0-9a-fA-F:.]+\]|[^:\[\]]*)(:\d{1,5})?$")

CLIENT_SETTINGS = frozenset(
    {
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "connection_limit",
        "fallback_application_name",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "pgbouncer",
        "pool_timeout",
        "prepared_statement_cache_size",
        "schema",
        "sslaccept",
        "tcp_user_timeout",
    }
)


def normalise_url(url: str) -> str:
    """``postgres://``, ``postgresql+psycopg2://`` and the like as the ``postgresql://`` that asyncpg takes.

    Raises ValueError (without the URL, which holds a password) when it is not a PostgreSQL address.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not _SCHEME.match(scheme):
        raise ValueError("expected an address like postgresql://user:password@host:5432/database")
    authority, _, path = rest.partition("?")[0].partition("/")
    hosts = authority.rpartition("@")[2].split(",")
    if "@" in path or "#" in authority or not all(map(_HOST.match, hosts)):
        raise ValueError(
            "expected host:port after the user; percent-encode / # ? @ : in a password (%2F %23 %3F %40 %3A)"
        )
    return f"postgresql://{_without_client_settings(rest)}"


def _without_client_settings(rest: str) -> str:
    """Drops the parameters that other drivers and poolers understand; asyncpg would ask the server to set them."""
    address, _, query = rest.partition("?")
    kept = [pair for pair in query.split("&") if pair and pair.partition("=")[0].lower() not in CLIENT_SETTINGS]
    return f"{address}?{'&'.join(kept)}" if kept else address


def describe_url(url: str) -> str:
    """``host:port/database`` for people: no user, no password, no parameters, whatever characters they hold."""
    rest = url.partition("://")[2]
    address, _, parameters = rest.partition("?")
    if "@" not in address and "@" in parameters:
        # Nobody can say whether this is a parameter or a password with a question mark.
        return "the database"
    place = address.rpartition("@")[2].partition("#")[0]
    return f"local socket{place}" if place.startswith("/") else place
