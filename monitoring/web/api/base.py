"""The API's blueprint, and how every call reads the scope it is asked about."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from quart import Blueprint

from monitoring.database.capabilities import Capabilities
from monitoring.database.pool import SCHEMA_CHANGED
from monitoring.metrics.facts import Session
from monitoring.scope import CURRENT, Scope
from monitoring.sections import Context
from monitoring.services import services

T = TypeVar("T")

blueprint = Blueprint("api", __name__)


async def find(requested: str) -> Session | None:
    """The session asked for; None where the database holds none. Raises UnknownSession, DatabaseUnavailable."""
    return await services().reader.session(requested or CURRENT)


async def read(requested: str, load: Callable[[Context], Awaitable[T]], empty: T) -> T:
    """What ``load`` makes of the session asked for; ``empty`` where the database holds no session.

    Raises UnknownSession, TableMissing, DatabaseUnavailable.
    """
    session = await find(requested)
    if session is None:
        return empty
    scope = Scope(session, requested or CURRENT)
    try:
        return await _load(scope, load)
    except SCHEMA_CHANGED:
        # The schema was read anew when the query failed: once more, with the columns there are.
        return await _load(scope, load)


async def _load(scope: Scope, load: Callable[[Context], Awaitable[T]]) -> T:
    async with services().reader.context(scope) as context:
        return await load(context)


async def ask(load: Callable[[asyncpg.Connection, Capabilities], Awaitable[T]]) -> T:
    """What ``load`` reads where no session matters. Raises TableMissing, DatabaseUnavailable."""
    try:
        return await _ask(load)
    except SCHEMA_CHANGED:
        return await _ask(load)


async def _ask(load: Callable[[asyncpg.Connection, Capabilities], Awaitable[T]]) -> T:
    database = services().database
    async with database.acquire() as connection:
        return await load(connection, database.capabilities)
