"""When a browser last looked at the dashboard, kept by a cookie that the answers to what only a visible page asks set.

An open page holds its connection and fetches sections while it can be seen; hidden it does neither (``live.js``). So
these requests are looks, and no page needs a script for it. Loading a page is no look: a tab may be opened, or
restored, in the background. Where scripts are off, a picture in ``<noscript>`` is fetched instead.

A visit ends when no look came for a while. What is new is what happened since the end of the visit before the present
one, however often the page is loaded meanwhile.
"""

import re
from datetime import timedelta
from functools import partial

from quart import Blueprint, Response, request
from werkzeug.http import dump_cookie

from monitoring.admission import cookies_in
from monitoring.clock import Clock
from monitoring.formatting import from_epoch
from monitoring.layers import App, Message, Receive, Scope, Send, local_path
from monitoring.services import services
from monitoring.transports.sockets import PATH as SOCKETS
from monitoring.web.auth import reading

blueprint = Blueprint("visits", __name__)

COOKIE = "looked"
PAUSE_MINUTES = 15
"""A visit ends after so long without a look."""
MAX_AGE_MINUTES = 92 * 24 * 60
"""What lies longer ago is none: whoever returns then asks how it stands, and all since would be dear to add up."""
SHAPE = re.compile(r"(\d{1,9})?-(\d{1,9})", re.ASCII)
"""Minutes since 1970 of the last look of the visit before, if there was one, and of the last look of this one."""
PICTURE = "/looked"
ALWAYS_LOOKS = frozenset({"/events", "/versions", PICTURE})
FETCHED = "/partials"
"""A look where an open page asks for it; programs fetch it too."""


def _parse(cookie: str, now: int) -> tuple[int | None, int] | None:
    """What the cookie holds, in minutes since 1970; None where nobody can have looked then."""
    found = SHAPE.fullmatch(cookie)
    if found is None:
        return None
    before, last = int(found[1]) if found[1] else None, int(found[2])
    possible = now - MAX_AGE_MINUTES <= (last if before is None else before) <= last <= now + 1
    return (before, last) if possible else None


def last_visit(cookie: str, now: int) -> int | None:
    """The end of the visit before the one that a look at ``now`` would belong to; all in minutes since 1970.

    None where there was none, or the cookie holds no possible times.
    """
    found = _parse(cookie, now)
    if found is None:
        return None
    before, last = found
    return last if now - last > PAUSE_MINUTES else before


def after_look(cookie: str, now: int) -> str:
    """The cookie after a look at ``now``."""
    before = last_visit(cookie, now)
    return f"{'' if before is None else before}-{now}"


def _minutes(clock: Clock) -> int:
    return int(clock.since_1970() // 60)


def of_viewer() -> dict[str, str]:
    """What sections may know of whoever sent the present request: ``looked``, the end of their last visit.

    Nothing where there was none, or too many different ones are in use.
    """
    found = last_visit(request.cookies.get(COOKIE, ""), _minutes(services().clock))
    return (
        {}
        if found is None or not services().moments.admit(found)
        else {"looked": f"{from_epoch(found * 60):%Y-%m-%dT%H:%M}"}
    )


@blueprint.get(PICTURE)
@reading
async def picture() -> Response:
    """For browsers without scripts: what they fetch shows nothing, and says that the page is looked at."""
    return Response(status=204)


class Looks:
    """ASGI middleware: sets the cookie with the answers to looks. ``path``: of the dashboard."""

    def __init__(self, app: App, clock: Clock, path: str) -> None:
        self._app = app
        self._clock = clock
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        send = partial(self._send, scope, send) if _is_look(scope) else send
        await self._app(scope, receive, send)

    async def _send(self, scope: Scope, send: Send, message: Message) -> None:
        begins = message["type"] == "websocket.accept" or message.get("status") in (200, 204, 304)
        if begins and (cookie := self._renewed(scope)):
            message = {**message, "headers": [*message.get("headers", ()), (b"set-cookie", cookie.encode("latin-1"))]}
        await send(message)

    def _renewed(self, scope: Scope) -> str | None:
        """None where the cookie says so already."""
        before = cookies_in(_header(scope, b"cookie")).get(COOKIE, "")
        after = after_look(before, _minutes(self._clock))
        if after == before:
            return None
        secure = scope["scheme"] in ("https", "wss") or _header(scope, b"x-forwarded-proto") == "https"
        age = timedelta(minutes=MAX_AGE_MINUTES)
        return dump_cookie(COOKIE, after, age, path=self._path, secure=secure, httponly=True, samesite="Lax")


def _is_look(scope: Scope) -> bool:
    if scope["type"] == "websocket":
        return local_path(scope).startswith(SOCKETS)
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    path = local_path(scope)
    return path in ALWAYS_LOOKS or (path == FETCHED and _header(scope, b"hx-request") == "true")


def _header(scope: Scope, name: bytes) -> str:
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if values else ""
