"""The sections of the page as HTML, for pages that are open: several in one answer."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta, Struct
from quart import Response, g, request

from monitoring.rendering.fragments import Rendered, Variant
from monitoring.rendering.preferences import presentation
from monitoring.scope import Scope
from monitoring.sections import BY_NAME, PAGES, STORIES, Section
from monitoring.services import services
from monitoring.web import visits
from monitoring.web.api.base import call
from monitoring.web.api.queries import ScopeQuery
from monitoring.web.errors import Problem
from monitoring.web.requests import own_arguments, requested_scope

MAX_NAMES = 20
SLOW_SECONDS = 2.0
"""A section that takes longer holds up no other."""


class PartialsQuery(ScopeQuery, kw_only=True, frozen=True):
    """Which sections, and what the page already holds of them. Sections take their own parameters too."""

    names: Annotated[str, Meta(description=f"Sections between commas, each once, at most {MAX_NAMES}")] | None = None
    have: Annotated[str, Meta(description="Their data-hash in the same order; an equal one is left out")] | None = None
    at: (
        Annotated[
            str, Meta(description="The version that came last, of any instance; without it: all that is committed now")
        ]
        | None
    ) = None
    range: Annotated[str, Meta(description="Of the curves: 24h, 7d, 30d or all")] | None = None


class ListedSection(Struct):
    """A section, and the path of the page that shows it; ``/trades/{trade}`` of a page for each trade."""

    name: str
    page: str


@call("/partials", list[ListedSection], PartialsQuery, checked=False, html=True)
async def get_partials(query_args: PartialsQuery) -> Response | list[ListedSection]:
    """All sections by name; with ``names`` the HTML of those, one after the other, without what the page has.

    204 where nothing is left. A section that cannot be read says so in its place; one that takes long is only named to
    an open page (``data-later``), which asks for it again.
    """
    if query_args.names is None:
        first_page = {section.name: page for page in reversed((*PAGES, *STORIES)) for section in page.sections}
        return [ListedSection(name, first_page[name].place) for name in services().reader.hub.sections]
    services().hub.crowd.fetches()
    sections = [section_named(name) for name in _distinct(query_args.names)]
    have = _hashes(query_args.have, len(sections))
    is_open_page = "HX-Request" in request.headers
    if is_open_page and g.behind and not services().hub.behind:
        # What is kept looks current and is not: the page marks it as old, and asks again.
        raise Problem(503, "not_caught_up", "The database answers too slowly at the moment.")
    found = await fetched(sections, SLOW_SECONDS if is_open_page else None)
    changed = [section for section, known in zip(found, have, strict=True) if section.hash != known]
    if not changed:
        return Response(status=204)
    body, etag = services().fragments.joined(changed)
    # Because of the tag, all viewers who are sent these bytes share them compressed.
    return Response(body, content_type="text/html; charset=utf-8", headers={"ETag": etag})


async def fetched(sections: Iterable[Section], within_seconds: float | None = None) -> list[Rendered]:
    """Sections as a program or an open page fetches them. Raises Problem and what ``requested_scope`` raises."""
    scope = await requested_scope()
    if scope is None:
        raise Problem(404, "no_session", "The database holds no trading session yet.")
    return await rendered(sections, scope, within_seconds)


async def rendered(
    sections: Iterable[Section], scope: Scope, within_seconds: float | None = None, own: Mapping[str, str] | None = None
) -> list[Rendered]:
    """Sections of ``scope``, with their own parameters as the present request has them; ``own``: those in its path."""
    asked, of_viewer = {**request.args, **(own or {})}, visits.of_viewer()
    how = presentation()
    variants = [Variant.of(each, scope, own_arguments(each, asked) | of_viewer, how) for each in sections]
    return await services().fragments.get(variants, g.since, within_seconds)


def section_named(name: str) -> Section:
    """Raises Problem."""
    if name not in BY_NAME:
        shown = name[:40] or "a section without a name"
        raise Problem(404, "unknown_section", f"{shown}: expected one of {', '.join(BY_NAME)}")
    return BY_NAME[name]


def _distinct(text: str) -> list[str]:
    names = text.split(",")
    if len(names) > MAX_NAMES:
        raise Problem(422, "invalid", f"names: {len(names)} sections, expected at most {MAX_NAMES}")
    for name in names:
        if names.count(name) > 1:
            raise Problem(422, "invalid", f"names: {name[:40]} stands there twice, expected each section once")
    return names


def _hashes(text: str | None, count: int) -> list[str]:
    hashes = text.split(",") if text is not None else [""] * count
    if len(hashes) != count:
        raise Problem(422, "invalid", f"have: {len(hashes)} hashes, expected one for each of {count} names")
    return hashes
