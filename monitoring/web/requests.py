"""From a request to the scope it is about."""

import contextlib
from collections.abc import Mapping

from quart import request

from monitoring.database.pool import DatabaseUnavailable
from monitoring.metrics.facts import Session
from monitoring.reader import Reader
from monitoring.scope import CURRENT, DEFAULT_RANGE, RANGES, Scope
from monitoring.sections import BadParameter, Section
from monitoring.services import services


async def followed_session() -> str:
    """The session whose changes are asked for: news of an outage must arrive while the database is away.

    Raises UnknownSession where it can be known.
    """
    requested = _session(request.args)
    with contextlib.suppress(DatabaseUnavailable):
        await services().reader.session(requested)
    return requested


async def requested_scope() -> Scope | None:
    """Session and range of the request; None when the database holds no session.

    Raises UnknownSession, BadParameter, TableMissing, DatabaseUnavailable.
    """
    return await scope_of(services().reader, request.args)


async def scope_of(reader: Reader, arguments: Mapping[str, str]) -> Scope | None:
    """As :func:`requested_scope`, of any request's arguments."""
    requested, shown = _session(arguments), _range(arguments)
    session: Session | None = await reader.session(requested)
    return None if session is None else Scope(session, requested, shown)


def _session(arguments: Mapping[str, str]) -> str:
    return arguments.get("session") or CURRENT


def _range(arguments: Mapping[str, str]) -> str:
    wanted = arguments.get("range") or DEFAULT_RANGE
    if wanted not in RANGES:
        raise BadParameter(f"range={wanted[:20]}: expected one of {', '.join(RANGES)}")
    return wanted


def own_arguments(section: Section, arguments: Mapping[str, str]) -> dict[str, str]:
    """Those that the section itself understands."""
    return {name: arguments[name] for name in section.parameters if arguments.get(name)}
