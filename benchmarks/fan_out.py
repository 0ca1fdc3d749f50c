"""What a signal to a thousand WebSockets costs the server, and what each holds: `python -m benchmarks.fan_out`.

Signals are sent by the Socket.IO server alone, without a database. Processor time and memory are those of the server,
which is this process.
"""

import asyncio
import math
import os
import time
from collections.abc import Sequence

import uvloop

from benchmarks.usage import resident
from benchmarks.viewers import viewers
from monitoring.clock import SYSTEM_CLOCK
from monitoring.sections import SECTIONS
from monitoring.signals.hub import Hub
from tests.serving import served
from tests.transports.bare import BareSockets

VIEWER_COUNT = 1000
ROUND_COUNT = 25
PAUSE_SECONDS = 0.2
NAMES = tuple(section.name for section in SECTIONS)


async def measure() -> None:
    hub = Hub(NAMES, SYSTEM_CLOCK, throttle_seconds=0)
    bare = BareSockets(hub, SYSTEM_CLOCK)
    delays: list[float] = []
    processor: list[float] = []
    async with served(bare.app) as host, viewers(f"http://{host}", "websocket", 10):
        before = resident(os.getpid())
        async with viewers(f"http://{host}", "websocket", VIEWER_COUNT) as crowd:
            grown = resident(os.getpid()) - before
            for _ in range(ROUND_COUNT):
                await asyncio.sleep(PAUSE_SECONDS)
                await crowd.tell("begin")
                spent, sent = time.process_time(), time.monotonic()
                hub.publish(None, NAMES)
                delays += [heard - sent for heard in await crowd.tell("heard")]
                processor.append(time.process_time() - spent)
    await bare.sockets.close()
    print(f"processor a signal: {share(processor, 0.5):.1f} ms, memory a viewer: {grown / VIEWER_COUNT / 1024:.1f} KiB")
    print(f"a viewer has it after {share(delays, 0.5):.1f} ms (p50), {share(delays, 0.95):.1f} ms (p95)")


def share(seconds: Sequence[float], part: float) -> float:
    """The percentile, in milliseconds."""
    return 1000 * sorted(seconds)[math.ceil(part * len(seconds)) - 1]


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure())
