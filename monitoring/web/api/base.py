"""The API's blueprint, and how every call reads the scope it is asked about."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
from msgspec import Struct
from quart import Blueprint, request
from quart_schema import document_response, validate_querystring, validate_response

from monitoring.database.capabilities import Capabilities
from monitoring.metrics.facts import Session
from monitoring.scope import Scope
from monitoring.scope_key import ScopeKey
from monitoring.sections import Context
from monitoring.services import services
from monitoring.web.api.queries import expect_whole_numbers
from monitoring.web.auth import reading

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])

blueprint = Blueprint("api", __name__)


@blueprint.before_request
async def check_numbers() -> None:
    expect_whole_numbers(request.args)


def call(
    path: str, answer: Any, query: type[Struct] | None = None, *, checked: bool = True, html: bool = False
) -> Callable[[View], View]:
    """Registers a GET call that shows the account, with the shapes of its answer and of its query string.

    Not ``checked``: the answer is described and sent as it is. ``html``: it may also be HTML.
    """

    def register(view: View) -> View:
        view.html = html  # type: ignore[attr-defined]
        described = (validate_response if checked else document_response)(answer)(view)
        asked = described if query is None else validate_querystring(query)(described)
        return blueprint.get(path)(reading(asked))

    return register


async def find(requested: ScopeKey) -> Session | None:
    """The bot or session asked for; None where the database holds none. Raises UnknownSession, DatabaseUnavailable."""
    return await services().reader.session(requested)


async def read(requested: ScopeKey, load: Callable[[Context], Awaitable[T]], empty: T) -> T:
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
