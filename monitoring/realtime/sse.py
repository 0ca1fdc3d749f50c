"""Server-Sent Events: the same hello and stale signals over plain HTTP, for networks that block WebSockets."""

import json
from collections.abc import AsyncIterator

from monitoring.hub import Hub
from monitoring.realtime.unsent import Streams
from monitoring.realtime.updates import Updates
from monitoring.scope import CURRENT

HEARTBEAT = 15.0
"""Seconds between signs of life; scripts see events, not comments, so it is one."""
RETRY = b"retry: 1000\n\n"
"""Milliseconds after which a browser comes back."""
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
        yield RETRY + event("hello", hub.hello(scope))
        while True:
            stale = await subscription.next(heartbeat)
            if subscription.closed:
                break
            yield event("stale", stale) if stale else event("hb", 1)
        yield RETRY
    finally:
        hub.unsubscribe(subscription)


async def full_stream(
    hub: Hub, streams: Streams, updates: Updates, heartbeat: float = HEARTBEAT
) -> AsyncIterator[bytes]:
    """The signals of the current session and its update events, the metrics of this moment first."""
    subscription = hub.subscribe(CURRENT)
    unsent = streams.join(lambda: subscription.offer({}))
    try:
        yield RETRY + event("hello", hub.hello(CURRENT)) + event("metrics_update", await updates.metrics())
        while True:
            stale = await subscription.next(heartbeat)
            if subscription.closed:
                break
            news = [event("stale", stale)] if stale else []
            news += [event(name, payload) for name, payload in unsent.take()]
            yield b"".join(news) or event("hb", 1)
        yield RETRY
    finally:
        streams.leave(unsent)
        hub.unsubscribe(subscription)
