"""Who may read: the one rule for requests, for WebSockets, and for whatever else a client may come with."""

import hmac
import math
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from quart import Quart
from quart.sessions import SecureCookieSessionInterface
from werkzeug.http import parse_cookie

from monitoring.config import Settings

SIGNED_IN_FOR = timedelta(days=30)
"""How long a cookie is good from when it was last given."""


class Admission:
    """Knows the operator by the token, or by the cookie that was given for it."""

    def __init__(self, app: Quart, settings: Settings) -> None:
        self._settings = settings
        self.protected, self.open_for_writing = settings.protected, settings.open_for_writing
        """As the settings say, looked up once: every request asks."""
        self.mark = hmac.new(app.config["SECRET_KEY"].encode(), settings.token.encode(), "sha256").hexdigest()
        """What the cookie holds in place of the token: a changed token ends every session."""
        self._cookie: str = app.config["SESSION_COOKIE_NAME"]
        signer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert isinstance(signer, URLSafeTimedSerializer)
        self._signer = signer

    def is_operator(self, token: str, mark: object = None) -> bool:
        """By the token, compared in constant time, or by the mark in a cookie; nobody where there is no token."""
        secret = self._settings.token
        return bool(secret) and (hmac.compare_digest(token.encode(), secret.encode()) or mark == self.mark)

    def until(self, token: str, cookies: Mapping[str, str]) -> float | None:
        """Until when (seconds since 1970 UTC) a client with these may read; None: not at all."""
        if not self.protected or self.is_operator(token):
            return math.inf
        try:
            given, seconds = cookies.get(self._cookie, ""), SIGNED_IN_FOR.total_seconds()
            content, signed = self._signer.loads(given, max_age=int(seconds), return_timestamp=True)
        except BadSignature:
            return None
        return float(signed.timestamp() + seconds) if self.is_operator("", content.get("operator")) else None

    def is_foreign(self, origin: str | None, host: str, fetch_site: str | None) -> bool:
        """Whether a browser says that a page of another site sent a request (it cannot be made to lie about it).

        The headers Origin, Host and Sec-Fetch-Site say so. Pages of listed origins count as our own.
        """
        if fetch_site in ("same-origin", "none"):
            return False
        if origin is None:
            return fetch_site is not None
        try:
            return origin.rstrip("/") not in self._settings.cors_origins and urlsplit(origin).netloc != host
        except ValueError:
            return True


def presented(dashboard_token: str, authorization: str) -> str:
    """The token in the headers X-Dashboard-Token and Authorization; empty where there is none."""
    bearer = authorization[7:] if authorization.lower().startswith("bearer ") else ""
    return dashboard_token.strip() or bearer.strip()


def cookies_in(header: str) -> dict[str, str]:
    """The cookies of a request's header, as the framework reads them."""
    return parse_cookie(header).to_dict()
