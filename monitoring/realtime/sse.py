"""Server-Sent Events: the same hello and stale signals over plain HTTP, for networks that block WebSockets."""

import json
from collections.abc import AsyncIterator

from monitoring.realtime.hub import Hub

HEARTBEAT = 15.0
"""Seconds between signs of life; scripts see events, not comments, so it is one."""
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


def event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


async def stream(hub: Hub, scope: str, heartbeat: float = HEARTBEAT) -> AsyncIterator[bytes]:
    """The signals of ``scope`` until the client goes or the server closes."""
    subscription = hub.subscribe(scope)
    try:
        yield b"retry: 3000\n\n" + event("hello", {"versions": hub.versions(scope)})
        while True:
            stale = await subscription.next(heartbeat)
            if subscription.closed:
                break
            yield event("stale", stale) if stale else event("hb", 1)
        yield b"retry: 1000\n\n"
    finally:
        hub.unsubscribe(subscription)
