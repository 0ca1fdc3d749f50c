"""What a call costs that programs make again and again: `python -m benchmarks.lists`.

Two sizes of history, everything warm, over one connection that stays open. For each call: the median time from the
request to the last byte; the processor time that the server spent on it, its PostgreSQL backends included; and the
median right after somebody has committed something. The last column is the ratio of the sizes.

With an address the calls of another server are measured instead, of the first dashboard, say:
`python -m benchmarks.lists http://127.0.0.1:8000`.
"""

import asyncio
import http.client
import statistics
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg

from benchmarks.databases import Size, make, start_server
from benchmarks.figures import report, serving
from benchmarks.live import BACKENDS
from benchmarks.usage import Meter

SIZES = (Size("lists_10k", 100_000, 10_000), Size("lists_500k", 1_000_000, 500_000))
CALLS = ("/api/trades?limit=50", "/api/metrics")
SEARCHES = (
    "/api/trades?sort=pnl",
    "/api/trades?sort=symbol",
    "/api/trades?outcome=breakeven",
    "/api/trades?symbol=NONE",
)
"""Trades that an index alone does not find; only measured where they are looked up."""
RARE = "UPDATE trades SET pnl = commission WHERE id % ($1 / 10) = 1 AND pnl <> commission"
"""Ten trades that neither won nor lost, years apart."""
WARM_UP_CALLS = 100
CALLS_MEASURED = 1000
COMMITS = 200


def calls(address: str, path: str, count: int) -> Iterator[float]:
    """Milliseconds of each of ``count`` calls."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    for _ in range(count):
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        yield (time.perf_counter() - began) * 1000
        assert answer.status == 200, path
    connection.close()


def median(address: str, path: str, count: int = CALLS_MEASURED) -> float:
    list(calls(address, path, WARM_UP_CALLS))
    return statistics.median(calls(address, path, count))


async def measure(url: str, size: Size) -> dict[str, float]:
    figures: dict[str, float] = {}
    async with serving(url) as (address, process, _started):
        await complete(address)
        writer = await asyncpg.connect(url)
        await writer.execute(RARE, size.trades)
        for path in CALLS:
            await asyncio.to_thread(median, address, path, WARM_UP_CALLS)
            meter = Meter.start([process, *(row["pid"] for row in await writer.fetch(BACKENDS))])
            figures[f"{path} (ms)"] = await asyncio.to_thread(median, address, path)
            figures[f"{path}, processor (ms)"] = 1000 * meter.seconds() / (CALLS_MEASURED + WARM_UP_CALLS)
            figures[f"{path}, after a commit (ms)"] = await after_commits(writer, address, path)
        for path in SEARCHES:
            figures[f"{path}, after a commit (ms)"] = await after_commits(writer, address, path)
        await writer.close()
    return figures


async def after_commits(writer: asyncpg.Connection, address: str, path: str) -> float:
    """Median milliseconds of calls before each of which a transaction that changes nothing has been committed."""
    answers = calls(address, path, COMMITS)
    spent = []
    for _ in range(COMMITS):
        await writer.execute("SELECT pg_current_xact_id()")
        spent.append(await asyncio.to_thread(next, answers))
    return statistics.median(spent)


async def complete(address: str) -> None:
    """Waits until the history is read."""
    while b'"histories":{}' not in await asyncio.to_thread(readiness, address):  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.1)


def readiness(address: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.request("GET", "/ready")
    return connection.getresponse().read()


async def main() -> None:
    with start_server() as server:
        columns = [await measure(await make(server, size), size) for size in SIZES]
    report([size.name for size in SIZES], columns)


if __name__ == "__main__":
    if sys.argv[1:]:
        for wanted in CALLS:
            print(f"{wanted:50}{median(sys.argv[1], wanted):10.2f} ms")
    else:
        asyncio.run(main())
