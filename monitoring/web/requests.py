"""From a request to the scope it is about."""

import contextlib
from collections.abc import Collection, Mapping

from quart import request

from monitoring.database.pool import DatabaseUnavailable
from monitoring.reading.reader import Reader
from monitoring.scope import DEFAULT_RANGE, RANGES, Scope
from monitoring.scope_key import BotScope, ScopeKey, SessionScope, parse_scope
from monitoring.sections import BadParameter, Section
from monitoring.services import services
from monitoring.web.errors import Problem

VERSION = "at"
"""Any request may name the version that it wants: see ``reading/freshness.py``."""


async def followed_scope() -> ScopeKey:
    """The scope whose changes are asked for; it is not looked up while the database is away, so that outages are seen.

    Raises UnknownSession where it can be known.
    """
    requested = scope_key(request.args.get("session"), request.args.get("bot"))
    with contextlib.suppress(DatabaseUnavailable):
        await services().reader.session(requested)
    return requested


async def requested_scope() -> Scope | None:
    """Bot or session, and range, of the request; None when the database holds no session.

    Raises UnknownSession, BadParameter, TableMissing, DatabaseUnavailable.
    """
    return await scope_of(services().reader, request.args)


async def scope_of(reader: Reader, arguments: Mapping[str, str]) -> Scope | None:
    """As :func:`requested_scope`, of any request's arguments."""
    key, shown = scope_key(arguments.get("session"), arguments.get("bot")), _range(arguments)
    session = await reader.session(key)
    if session is not None and not isinstance(key, SessionScope):
        # An open page never changes its bot by itself, and a bot has one name.
        key = BotScope(session.id)
        with contextlib.suppress(DatabaseUnavailable):
            session = await reader.session(key)
    return None if session is None else Scope(session, key, shown)


def scope_key(session: str | None, bot: str | None) -> ScopeKey:
    """The scope that a request names. Raises UnknownSession, and Problem where it names two."""
    if session and bot:
        raise Problem(422, "two_scopes", "session and bot: expected one of them")
    return parse_scope(session, bot)


def _range(arguments: Mapping[str, str]) -> str:
    wanted = arguments.get("range") or DEFAULT_RANGE
    if wanted not in RANGES:
        raise BadParameter(f"range={wanted[:20]}: expected one of {', '.join(RANGES)}")
    return wanted


def own_arguments(section: Section, arguments: Mapping[str, str]) -> dict[str, str]:
    """Those that the section itself understands."""
    return {name: arguments[name] for name in section.parameters if arguments.get(name)}


def expect_known(names: Collection[str]) -> None:
    """A page whose wishes are ignored would show something else than was asked for. Raises BadParameter."""
    for name, value in request.args.items():
        if name not in names and name != VERSION:
            raise BadParameter(f"{name[:20]}={value[:20]}: expected one of {', '.join(names)}")
