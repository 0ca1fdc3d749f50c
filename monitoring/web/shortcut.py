"""The sections that open pages fetch after a change, answered without the framework around them.

A thousand pages fetch ten sections each, all of them rendered already: nine tenths of what a request costs would be
routing, contexts and hooks that these have no use for. Only what is plainly such a fetch, and succeeds, is answered
here, and exactly as the route would (:func:`monitoring.web.pages.partial`), but that it renews the cookie each time.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qsl

from monitoring.admission import SIGNED_IN_FOR, cookies_in, presented
from monitoring.rendering.fragments import Rendered
from monitoring.sections import BY_NAME, Section
from monitoring.services import Services
from monitoring.web.headers import of_every_answer
from monitoring.web.prefix import App, Receive, Scope, Send
from monitoring.web.requests import own_arguments, scope_of

PLAIN_QUERY = re.compile(r"[\w.=&-]*")
"""Nothing that could be read in two ways."""
ASKS_FOR_MORE = frozenset({"origin", "range", "if-range", "if-modified-since", "if-match", "if-unmodified-since"})
"""Headers whose answers are the route's."""

RENEWED_BELOW_SECONDS = (SIGNED_IN_FOR - timedelta(days=1)).total_seconds()
"""A sign-in that ends within so many seconds is renewed."""


class Shortcut:
    """ASGI middleware in front of the application."""

    def __init__(self, app: App, parts: Services) -> None:
        self._app = app
        self._parts = parts
        self._root = f"{parts.settings.root_path}/partials/"
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "private, no-cache",
            **of_every_answer(parts),
            **({"Vary": "Origin"} if parts.settings.cors_origins else {}),
        }
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        section = self._section(scope)
        fragment = await self._fragment(section, scope) if section else None
        if fragment is None:
            return await self._app(scope, receive, send)
        length = str(len(fragment.body)).encode()
        own = [(b"content-length", length), (b"etag", fragment.etag.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": own + self._headers})
        return await send({"type": "http.response.body", "body": fragment.body})

    def _section(self, scope: Scope) -> Section | None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(self._root):
            return None
        return BY_NAME.get(scope["path"][len(self._root) :])

    async def _fragment(self, section: Section, scope: Scope) -> Rendered | None:
        """The section, or None where the route must answer."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        plain = len(headers) == len(scope["headers"]) and PLAIN_QUERY.fullmatch(query)
        if not plain or "hx-request" not in headers or ASKS_FOR_MORE & headers.keys() or not self._may_read(headers):
            return None
        pairs = parse_qsl(query, keep_blank_values=True)
        arguments = dict(reversed(pairs))  # of one that is given twice the first counts
        await self._parts.feed.caught_up(exact=False)
        try:
            wanted = await scope_of(self._parts.reader, arguments)
            if wanted is None:
                return None
            own = own_arguments(section, arguments)
            fragment = await self._parts.fragments.get(section, wanted, own, announced=True)
        except Exception:  # noqa: BLE001 - whatever it is, the route meets it too, and says it
            return None
        known = headers.get("if-none-match", "")
        return None if fragment.etag in known or "*" in known else fragment

    def _may_read(self, headers: Mapping[str, str]) -> bool:
        if not self._parts.settings.protected:
            return True
        token = presented(headers.get("x-dashboard-token", ""), headers.get("authorization", ""))
        until = self._parts.admission.until(token, cookies_in(headers.get("cookie", "")))
        # A cookie that has aged is renewed by the route.
        return until is not None and until - self._parts.clock.since_1970() > RENEWED_BELOW_SECONDS
