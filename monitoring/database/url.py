"""Database addresses: the spellings that occur in the wild made one, and never a password in a message."""

import os
import re
from collections.abc import Mapping

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
        "supa",
        "tcp_user_timeout",
        "uselibpqcompat",
        "workaround",
    }
)
"""What other drivers and poolers understand; asyncpg would ask the server to set it."""
SSL_MODES: Mapping[str, str] = {
    **{mode: mode for mode in ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")},
    **dict.fromkeys(("true", "1", "on", "no-verify"), "require"),
    **dict.fromkeys(("false", "0", "off"), "disable"),
}
"""How ``sslmode=``, and the ``ssl=`` of other drivers, are spelt, and what is meant."""
LARGEST_PORT = 65535


def normalise_url(url: str) -> str:
    """``postgres://``, ``postgresql+psycopg2://`` and the like as the ``postgresql://`` that asyncpg takes.

    Raises ValueError (without the URL, which holds a password) when it is not a PostgreSQL address.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not _SCHEME.match(scheme):
        raise ValueError("expected an address like postgresql://user:password@host:5432/database")
    authority, _, path = rest.partition("?")[0].partition("/")
    hosts = authority.rpartition("@")[2].split(",")
    if "@" in path or "#" in authority or not all(map(_HOST.match, hosts)) or ("" in hosts and len(hosts) > 1):
        raise ValueError(
            "expected host:port after the user; percent-encode / # ? @ : in a password (%2F %23 %3F %40 %3A)"
        )
    for port in (_HOST.match(host)[2] for host in hosts):  # type: ignore[index]
        if port is not None and not 0 < int(port[1:]) <= LARGEST_PORT:
            raise ValueError(f"port {port[1:]}: expected a number from 1 to {LARGEST_PORT}")
    address, _, query = rest.partition("?")
    kept = _settings(query)
    return f"postgresql://{address}?{'&'.join(kept)}" if kept else f"postgresql://{address}"


def _settings(query: str) -> list[str]:
    """The parameters that asyncpg understands, or hands to the server."""
    given = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
    kept = [f"{name}={value}" for name, value in given if name.lower() not in CLIENT_SETTINGS | {"ssl", "sslmode"}]
    modes = {name.lower(): value for name, value in given if name.lower() in ("ssl", "sslmode")}
    if modes:
        name = "sslmode" if "sslmode" in modes else "ssl"
        if modes[name].lower() not in SSL_MODES:
            raise ValueError(f"{name}={modes[name][:20]}: expected one of {', '.join(SSL_MODES)}")
        kept.append(f"sslmode={SSL_MODES[modes[name].lower()]}")
    return kept


def demands_tls(url: str) -> bool:
    """Whether a connection without TLS will not do, by the address or, as asyncpg reads it, the environment."""
    modes = re.findall(r"[?&]sslmode=([\w-]+)", url) or [os.environ.get("PGSSLMODE", "prefer")]
    return modes[-1] not in ("disable", "allow", "prefer")


def settings_of(url: str) -> str:
    """The names of the parameters of an address, for people."""
    names = (pair.partition("=")[0] for pair in url.partition("?")[2].split("&"))
    return ", ".join(name for name in names if re.fullmatch(r"[\w.]{1,40}", name)) or "none by name"


def describe_url(url: str) -> str:
    """``host:port/database`` for people: no user, no password, no parameters, whatever characters they hold."""
    rest = url.partition("://")[2]
    address, _, parameters = rest.partition("?")
    if "@" not in address and "@" in parameters:
        # Nobody can say whether this is a parameter or a password with a question mark.
        return "the database"
    place = address.rpartition("@")[2].partition("#")[0]
    place = "".join(letter if letter.isprintable() else "?" for letter in place)
    return f"local socket{place}" if not place or place.startswith("/") else place
