"""Without protection the dashboard answers to the names of this machine only, against DNS rebinding.

A site may point its own name at 127.0.0.1; its scripts would then be of "the same origin" and could read the account.
A protected dashboard needs no such check: there the operator's token is needed.
"""

import ipaddress
import json
from functools import lru_cache

from monitoring.layers import App, Receive, Scope, Send

REFUSAL = json.dumps(
    {
        "error": {
            "code": "unknown_host",
            "message": "Without protection this dashboard answers to localhost alone: for another name set"
            " ENV=production, MONITORING_DASHBOARD_TOKEN and FLASK_SECRET_KEY.",
        }
    }
).encode()


@lru_cache(maxsize=64)
def is_local(host: str) -> bool:
    """Whether ``host`` (with or without a port) can only mean this machine."""
    name = (host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host).lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


class LocalOnly:
    """ASGI middleware that refuses requests and sockets for any other host."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or is_local(_host(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
