"""What a signal to a thousand WebSockets costs the server: `python -m benchmarks.fan_out` (a minute).

Signals are sent by the Socket.IO server alone, without a database: once as frames that are written at once, and once
through Engine.IO's queue, as the library sends them. The processor's time is that of the server, which is this process.
"""

import asyncio
import math
import time
from collections.abc import Sequence

import uvloop

from benchmarks.viewers import viewers
from monitoring.clock import SYSTEM_CLOCK
from monitoring.sections import SECTIONS
from monitoring.signals.hub import Hub
from monitoring.transports.clients import WRITE_AT_ONCE
from monitoring.transports.websocket_guard import App, Receive, Scope, Send
from tests.serving import served
from tests.transports.bare import BareSockets

VIEWER_COUNT = 1000
ROUND_COUNT = 25
PAUSE_SECONDS = 0.2
NAMES = tuple(section.name for section in SECTIONS)


def through_the_queue(app: App) -> App:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        scope.get("extensions", {}).pop(WRITE_AT_ONCE, None)
        await app(scope, receive, send)

    return wrapped


async def measure(name: str, at_once: bool) -> None:
    hub = Hub(NAMES, SYSTEM_CLOCK, throttle_seconds=0)
    sockets = BareSockets(hub, SYSTEM_CLOCK).sockets
    app = sockets.application(None)
    delays: list[float] = []
    processor: list[float] = []
    async with (
        served(app if at_once else through_the_queue(app)) as host,
        viewers(f"http://{host}", "websocket", VIEWER_COUNT) as crowd,
    ):
        for _ in range(ROUND_COUNT):
            await asyncio.sleep(PAUSE_SECONDS)
            await crowd.tell("begin")
            spent, sent = time.process_time(), time.monotonic()
            hub.publish(None, NAMES)
            delays += [heard - sent for heard in await crowd.tell("heard")]
            processor.append(time.process_time() - spent)
    await sockets.close()
    print(
        f"| {name} | {share(processor, 0.5):.1f} | {share(delays, 0.5):.1f} | {share(delays, 0.95):.1f} |", flush=True
    )


def share(seconds: Sequence[float], part: float) -> float:
    """The percentile, in milliseconds."""
    return 1000 * sorted(seconds)[math.ceil(part * len(seconds)) - 1]


async def main() -> None:
    print("| | processor a signal (ms) | at a viewer, p50 (ms) | p95 (ms) |\n| --- | ---: | ---: | ---: |")
    await measure("frames written at once", at_once=True)
    await measure("through Engine.IO's queue", at_once=False)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
