"""ASGI, and an application within layers that see every request and WebSocket before it does."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Layer = Callable[[App], App]


def wrapped(app: App, layers: Sequence[Layer]) -> App:
    """``app`` within ``layers``, of which the first is the outermost."""
    for layer in reversed(layers):
        app = layer(app)
    return app


def local_path(scope: Scope) -> str:
    """The path without the sub-path that the application is served under."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
