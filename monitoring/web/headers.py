"""Headers that every answer carries: what a page may load, and that nobody may frame, sniff or keep it."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from quart import Quart, Response, g, request

from monitoring.services import KEY, Services

FETCHED = {"X-Content-Type-Options": "nosniff"}
PARTS = frozenset({"text/css", "text/javascript", "application/manifest+json"})
BEHIND = "X-Dashboard-Behind"
"""Stands in an answer that may miss rows which were committed before it was asked for."""


def content_security_policy(libraries: Iterable[str]) -> str:
    """Scripts from here and the files of ``libraries`` on a CDN, nothing inline."""
    scripts = " ".join(["'self'", *(url for url in libraries if urlsplit(url).netloc)])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )


def of_every_answer(parts: Services) -> dict[str, str]:
    """The headers that do not depend on what is asked."""
    found = {
        "Content-Security-Policy": content_security_policy(url for url, _, _ in parts.pages.libraries),
        **FETCHED,
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    return found | ({"Strict-Transport-Security": "max-age=31536000"} if parts.settings.protected else {})


def register(app: Quart) -> None:
    common = of_every_answer(app.extensions[KEY])

    @app.after_request
    async def add(response: Response) -> Response:
        # What becomes no document of its own needs no more; the others would be most of what an open page receives.
        part = "HX-Request" in request.headers or response.mimetype in PARTS
        response.headers.extend(FETCHED if part else common)
        if getattr(g, "behind", False):
            response.headers[BEHIND] = "1"
        static = request.path.startswith("/static/") and response.status_code < 400
        response.headers.setdefault("Cache-Control", "public, max-age=3600" if static else "no-store")
        return response
