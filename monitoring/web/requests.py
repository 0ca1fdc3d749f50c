"""From a request to the scope it is about."""

import contextlib

from quart import request

from monitoring.database.pool import DatabaseUnavailable
from monitoring.metrics.facts import Session
from monitoring.scope import CURRENT, DEFAULT_RANGE, RANGES, Scope
from monitoring.sections import BadParameter
from monitoring.services import services


def requested_session() -> str:
    return request.args.get("session", CURRENT) or CURRENT


async def followed_session() -> str:
    """The session whose changes are asked for: news of an outage must arrive while the database is away.

    Raises UnknownSession where it can be known.
    """
    requested = requested_session()
    with contextlib.suppress(DatabaseUnavailable):
        await services().reader.session(requested)
    return requested


def requested_range() -> str:
    """The range asked for. Raises BadParameter."""
    wanted = request.args.get("range", DEFAULT_RANGE) or DEFAULT_RANGE
    if wanted not in RANGES:
        raise BadParameter(f"range={wanted[:20]}: expected one of {', '.join(RANGES)}")
    return wanted


async def requested_scope() -> Scope | None:
    """Session and range of the request; None when the database holds no session.

    Raises UnknownSession, BadParameter, TableMissing, DatabaseUnavailable.
    """
    requested, shown = requested_session(), requested_range()
    session: Session | None = await services().reader.session(requested)
    return None if session is None else Scope(session, requested, shown)
