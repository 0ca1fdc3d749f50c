"""The API's blueprint, and how every call reads the scope it is asked about."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from quart import Blueprint, request

from monitoring.database.capabilities import Capabilities
from monitoring.metrics.facts import Session
from monitoring.scope import Scope
from monitoring.sections import Context
from monitoring.services import services
from monitoring.web.api.queries import expect_whole_numbers

T = TypeVar("T")

blueprint = Blueprint("api", __name__)


@blueprint.before_request
async def check_numbers() -> None:
    expect_whole_numbers(request.args)


async def find(requested: str) -> Session | None:
    """The bot or session asked for; None where the database holds none. Raises UnknownSession, DatabaseUnavailable."""
    return await services().reader.session(requested)


async def read(requested: str, load: Callable[[Context], Awaitable[T]], empty: T) -> T:
    """What ``load`` makes of the session asked for; ``empty`` where the database holds no session.

    Raises UnknownSession, TableMissing, DatabaseUnavailable.
    """
    session = await find(requested)
    if session is None:
        return empty
    return await services().reader.read(Scope(session, requested), load)


async def ask(load: Callable[[asyncpg.Connection, Capabilities], Awaitable[T]]) -> T:
    """What ``load`` reads where no session matters. Raises TableMissing, DatabaseUnavailable."""
    return await services().database.ask(load)
