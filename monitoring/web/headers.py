"""Headers that every answer carries: what a page may load, and that nobody may frame, sniff or keep it."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from quart import Quart, Response, request

from monitoring.services import KEY, services


def content_security_policy(libraries: Iterable[str]) -> str:
    """Scripts from here and the very files of ``libraries`` that a CDN serves, nothing inline."""
    scripts = " ".join(["'self'", *(url for url in libraries if urlsplit(url).netloc)])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )


def register(app: Quart) -> None:
    policy = content_security_policy(url for url, _, _ in app.extensions[KEY].pages.libraries)

    @app.after_request
    async def add(response: Response) -> Response:
        set_default = response.headers.setdefault
        set_default("Content-Security-Policy", policy)
        set_default("X-Content-Type-Options", "nosniff")
        set_default("Referrer-Policy", "same-origin")
        set_default("X-Frame-Options", "DENY")
        set_default("Cross-Origin-Opener-Policy", "same-origin")
        set_default("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        static = request.path.startswith("/static/")
        set_default("Cache-Control", "public, max-age=3600" if static else "no-store")
        if services().settings.protected:
            set_default("Strict-Transport-Security", "max-age=31536000")
        return response
