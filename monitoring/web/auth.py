"""Who may do what: the one place for tokens, sign-in and, later, roles and limits.

Every route needs the operator unless it says otherwise: ``@public`` routes are open to all, ``@reading`` routes are
open on loopback, and need the operator where others can reach the dashboard. Writing always needs the
operator, and requests that browsers make from other sites are refused.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from quart import Response, current_app, g, redirect, request, session

from monitoring.admission import Admission, presented
from monitoring.clock import Clock
from monitoring.reading.freshness import reach
from monitoring.services import services
from monitoring.web.errors import Problem, wants_html

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC, READING, OPERATOR = "public", "reading", "operator"
OF_LIBRARIES = {"static": PUBLIC}
"""Routes that a library adds and that therefore cannot be marked."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def public(view: View) -> View:
    """Marks a route as open to everybody."""
    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


def reading(view: View) -> View:
    """Marks a route that shows the account: open on loopback, the operator's elsewhere."""
    view.access = READING  # type: ignore[attr-defined]
    return view


def access_of(endpoint: str | None) -> str:
    """What a route asks for; the operator unless it is marked."""
    if endpoint is None:
        return PUBLIC
    view = current_app.view_functions.get(endpoint)
    return getattr(view, "access", OF_LIBRARIES.get(endpoint, OPERATOR))


async def _catch_up(at: str) -> None:
    """Waits until the answer can hold what was committed before it was asked for, or what the version ``at`` saw."""
    parts = services()
    g.since, reached = await reach(parts.feed, parts.hub.versions, at)
    g.behind = not reached and parts.feed.state.gone_since is None


def _expect_own_site(admission: Admission) -> None:
    headers = request.headers
    if admission.is_foreign(headers.get("Origin"), request.host, headers.get("Sec-Fetch-Site")):
        raise Problem(403, "cross_site", "This request came from another site.")


def _mark(clock: Clock) -> object:
    """What the cookie of a sign-in holds. It is given anew each day: it never ends for who comes every month."""
    mark = session.get("operator")
    if mark is not None:
        today = clock.now().date().isoformat()
        if session.get("renewed") != today:
            session["renewed"] = today
    return mark


def signed_in_seconds() -> float:
    """How long whoever sent the request may go on reading: until the sign-in ends, for ever with the token."""
    until = services().admission.until(_presented(), request.cookies)
    return 0.0 if until is None else until - services().clock.since_1970()


def _presented() -> str:
    return presented(request.headers.get("X-Dashboard-Token", ""), request.headers.get("Authorization", ""))


async def guard() -> Response | None:
    """Runs before every request: lets it pass, or answers instead."""
    parts = services()
    if request.method not in SAFE_METHODS:
        _expect_own_site(parts.admission)
    wanted, admission = access_of(request.endpoint), parts.admission
    g.operator = admission.is_operator(_presented(), _mark(parts.clock))
    if wanted == PUBLIC:
        return None
    if g.operator or admission.open_for_writing or (wanted == READING and not admission.protected):
        await _catch_up(request.args.get("at", ""))
        return None
    if wanted == READING and wants_html():
        return redirect(services().links("/login", next=request.full_path.rstrip("?")))  # type: ignore[return-value]
    if not parts.settings.token:
        raise Problem(403, "writing_closed", "Set MONITORING_DASHBOARD_TOKEN to allow this.")
    raise Problem(401, "unauthorized", "The operator's token is needed: X-Dashboard-Token or Authorization: Bearer.")
