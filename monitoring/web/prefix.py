"""The sub-path that the dashboard is served under, whether the proxy in front takes it off or leaves it on."""

from monitoring.layers import App, Receive, Scope, Send


class Prefix:
    """ASGI middleware: ``app`` always sees ``root`` ("/monitoring") at the front, as ASGI wants it."""

    def __init__(self, app: App, root: str) -> None:
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        if scope["path"] == self._root and scope["type"] == "http":
            return await _redirect(f"{self._root}/", scope["query_string"], send)
        left_on = scope["path"].startswith(f"{self._root}/")
        path = scope["path"] if left_on else self._root + scope["path"]
        return await self._app({**scope, "path": path, "root_path": self._root}, receive, send)


async def _redirect(path: str, query: bytes, send: Send) -> None:
    target = path.encode() + (b"?" + query if query else b"")
    await send({"type": "http.response.start", "status": 308, "headers": [(b"location", target)]})
    await send({"type": "http.response.body", "body": b""})
