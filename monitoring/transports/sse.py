"""Server-Sent Events: the same hello and stale signals over plain HTTP, for networks that block WebSockets."""

import json
import math
from collections.abc import AsyncIterator

from monitoring.scope_key import CURRENT, ScopeKey
from monitoring.signals.hub import Hub
from monitoring.transports.current_metrics import CurrentMetrics
from monitoring.transports.event_buffer import EventBuffer, EventStreams

HEARTBEAT_SECONDS = 5.0
"""A heartbeat is an event, because a page's script does not see comments."""
RETRY = b"retry: 1000\n\n"
"""Tells a browser to reconnect after so many milliseconds."""
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


def event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


async def stream(
    hub: Hub, scope: ScopeKey, seconds: float = math.inf, heartbeat: float = HEARTBEAT_SECONDS
) -> AsyncIterator[bytes]:
    """The signals of ``scope`` for so many seconds, until the client disconnects or the server stops."""
    subscription = hub.subscribe(scope)
    try:
        with subscription.open_for(seconds):
            yield RETRY + event("hello", hub.hello(scope))
            while True:
                signal = await subscription.next(heartbeat)
                if subscription.closed:
                    break
                yield event("stale", signal.payload) if signal else event("hb", 1)
            yield RETRY
    finally:
        hub.remove(subscription)


async def full_stream(
    hub: Hub,
    streams: EventStreams,
    metrics: CurrentMetrics,
    seconds: float = math.inf,
    heartbeat: float = HEARTBEAT_SECONDS,
) -> AsyncIterator[bytes]:
    """The signals of the current session and its update events, as :func:`stream`; it begins with the metrics."""
    subscription = hub.subscribe(CURRENT)
    buffer = EventBuffer(subscription)
    streams.join(buffer)
    try:
        with subscription.open_for(seconds):
            yield RETRY + event("hello", hub.hello(CURRENT)) + event("metrics_update", await metrics.read_or_empty())
            while True:
                signal = await subscription.next(heartbeat)
                if subscription.closed:
                    break
                news = [event("stale", signal.payload)] if signal else []
                news += [event(name, payload) for name, payload in buffer.take()]
                yield b"".join(news) or event("hb", 1)
            yield RETRY
    finally:
        streams.leave(buffer)
        hub.remove(subscription)
