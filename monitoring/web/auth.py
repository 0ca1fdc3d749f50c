"""Who may do what: the one place for tokens, sign-in and, later, roles and limits.

Every route needs the operator unless it says otherwise: ``@public`` routes are open to all, ``@reading`` routes are
open on a machine of one's own (loopback) and need the operator where strangers may come. Writing always needs the
operator, and requests that browsers make from other sites are refused.
"""

import hmac
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from quart import Request, Response, current_app, g, redirect, request, session

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


def is_operator() -> bool:
    """Whether the request carries the operator's token or the cookie given for it."""
    token = services().settings.token
    if not token:
        return False
    return same_secret(_presented(request), token) or session.get("operator") == fingerprint(token)


def same_secret(given: str, secret: str) -> bool:
    """Compared in constant time; non-ASCII input is simply wrong."""
    return hmac.compare_digest(given.encode(), secret.encode())


def fingerprint(token: str) -> str:
    """What the cookie holds in place of the token: a changed token ends every session."""
    return fingerprint_of(str(current_app.secret_key), token)


def fingerprint_of(key: str, token: str) -> str:
    return hmac.new(key.encode(), token.encode(), "sha256").hexdigest()


def _presented(given: Request) -> str:
    header = given.headers.get("X-Dashboard-Token", "").strip()
    bearer = given.headers.get("Authorization", "")
    return header or (bearer[7:].strip() if bearer.lower().startswith("bearer ") else "")


async def guard() -> Response | None:
    """Before every request: lets it pass, or answers in its stead."""
    if request.method not in SAFE_METHODS and foreign_origin():
        raise Problem(403, "cross_site", "This request came from another site.")
    wanted = access_of(request.endpoint)
    g.operator = is_operator()
    if wanted == PUBLIC:
        return None
    if g.operator or (wanted == READING and not services().settings.protected):
        await services().feed.caught_up()
        return None
    if wanted == READING and wants_html() and "HX-Request" not in request.headers:
        pages = services().pages
        return redirect(pages.url("/login", next=request.full_path.rstrip("?")))  # type: ignore[return-value]
    if not services().settings.token:
        raise Problem(403, "writing_closed", "Set MONITORING_DASHBOARD_TOKEN to allow this.")
    raise Problem(401, "unauthorized", "The operator's token is needed: X-Dashboard-Token or Authorization: Bearer.")


def foreign_origin() -> bool:
    """Whether a browser says that another site sent this request (browsers cannot be made to lie about it)."""
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return fetched is not None
    return not allowed_origin(origin, request.host)


def allowed_origin(origin: str, host: str) -> bool:
    """Whether a page of ``origin`` may talk to the dashboard reached as ``host``."""
    return origin.rstrip("/") in services().settings.cors_origins or urlsplit(origin).netloc == host
