"""The pages people see, their single sections, sign-in, and explanations."""

import contextlib
import logging
from collections import defaultdict
from collections.abc import Mapping

from markupsafe import Markup
from quart import Blueprint, Response, jsonify, redirect, request, session
from werkzeug.http import generate_etag

from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.metrics.metric import Metric
from monitoring.reading.explained import explained
from monitoring.scope import Scope
from monitoring.sections import BY_NAME, PAGES, STORIES, Page, story
from monitoring.services import services
from monitoring.web.api import describe
from monitoring.web.api.partials import fetched, rendered, section_named
from monitoring.web.auth import public, reading
from monitoring.web.errors import RETRY_AFTER
from monitoring.web.local import local_target
from monitoring.web.moved_stories import moved
from monitoring.web.requests import followed_scope, requested_scope

log = logging.getLogger(__name__)

blueprint = Blueprint("pages", __name__)

SIGN_IN_CLOSED = "Set MONITORING_DASHBOARD_TOKEN to sign in."


def _add_page(tab: Page) -> None:
    @reading
    async def page(**own: int) -> Response:
        return await _live_page(tab, {name: str(value) for name, value in own.items()})

    blueprint.add_url_rule(tab.path, tab.name, page)


for each in (*PAGES, *STORIES):
    _add_page(each)


async def _live_page(tab: Page, own: Mapping[str, str]) -> Response:
    """A page with its sections as ``/partials`` gives them; ``own``: the parameters in its path."""
    try:
        scope = await requested_scope()
    except TableMissing as error:
        return waiting_for_tables(error)
    if scope is None:
        return _waiting("The database holds no session. The dashboard fills as soon as the engine begins one.")
    return await _page_of(tab, scope, own)


async def _page_of(tab: Page, scope: Scope, own: Mapping[str, str]) -> Response:
    services().hub.crowd.fetches()
    await services().projections.settle()
    known = services().hub.versions.all(scope.key)  # before reading: what changes meanwhile is fetched again
    names = [section.name for section in tab.sections if section.name in known]
    found = dict(zip(names, await rendered((BY_NAME[name] for name in names), scope, own=own), strict=True))
    if own and (elsewhere := moved(found[story.SECTION.name], scope, own)):
        return elsewhere
    return services().pages.page(
        f"{tab.name}.html",
        scope,
        tab=tab,
        address=tab.address(own),
        fragments={name: Markup(each.body.decode()) for name, each in found.items()},  # noqa: S704 - our own template
        views={name: each.view for name, each in found.items()},
        versions={name: known[name] for name in names},
    )


def waiting_for_tables(error: TableMissing) -> Response:
    """A page that reloads itself until the engine has made its tables."""
    return _waiting(
        f"There is nothing to show: {error}. The engine makes its tables when it first runs; "
        "atb db verify tells what is missing."
    )


def _waiting(why: str) -> Response:
    """A page that reloads itself: it has no section yet that could be kept up to date."""
    page = services().pages.page("waiting.html", None, why=why)
    page.headers["Refresh"] = RETRY_AFTER
    return page


@blueprint.get("/partials/<name>")
@reading
async def partial(name: str) -> Response:
    """One section alone, with a tag: 304 where the browser has it already."""
    (fragment,) = await fetched([section_named(name)])
    response = Response(fragment.body, content_type="text/html; charset=utf-8", headers={"ETag": fragment.etag})
    response.headers["Cache-Control"] = "private, no-cache"
    return await response.make_conditional(request)


@blueprint.get("/versions")
@reading
async def versions() -> Response:
    """Versions of every section of the scope, for browsers that can only poll."""
    scope = await followed_scope()
    services().feed.wake()
    response = jsonify(services().hub.polled(scope))
    response.set_etag(generate_etag(await response.get_data(as_text=False)))
    response.headers["Cache-Control"] = "private, no-cache"
    return await response.make_conditional(request)


@blueprint.get("/explain")
@reading
async def explain() -> Response:
    """What every metric means, and where its formula comes from."""
    metrics: dict[str, list[Metric]] = defaultdict(list)
    for metric in services().reader.metrics:
        metrics[metric.card].append(metric)
    scope, now = await _explained()
    return services().pages.page("explain.html", scope, metrics=dict(metrics), now_of=now)


async def _explained() -> tuple[Scope | None, dict[str, str]]:
    """The bot asked for and what there is to say of its figures; what figures mean is told without a database, too."""
    with contextlib.suppress(DatabaseUnavailable, TableMissing):
        if scope := await requested_scope():
            return scope, await explained(services().reader, scope)
    return None, {}


@blueprint.get("/docs")
@reading
async def docs() -> Response:
    """The API as OpenAPI describes it, as a plain page: no script, no other site."""
    return services().pages.page("docs.html", spec=describe())


@blueprint.get("/login")
@public
async def login_form() -> Response:
    return services().pages.page("login.html", problem=None, next=local_target(request.args.get("next", "/")))


@blueprint.post("/login")
@public
async def login() -> Response:
    """Takes the operator's token and gives a cookie for it."""
    form = await request.form
    admission, target = services().admission, local_target(form.get("next", "/"))
    if not admission.is_operator(form.get("token", "").strip()):
        log.warning("sign-in refused, from %s", request.remote_addr)
        problem = "That is not the operator's token." if services().settings.token else SIGN_IN_CLOSED
        response = services().pages.page("login.html", problem=problem, next=target)
        response.status_code = 401
        return response
    session.permanent = True
    session["operator"] = admission.mark
    return redirect(services().links(target), code=303)  # type: ignore[return-value]


@blueprint.post("/logout")
@public
async def logout() -> Response:
    session.clear()
    return redirect(services().links("/"), code=303)  # type: ignore[return-value]
