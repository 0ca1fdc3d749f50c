"""How the cost of true figures grows with history: `python -m benchmarks.figures`.

For each size of database: the first page and the complete history after a cold start, a refresh after one new row,
every call and section warm, the memory of the server process, and the cold start once more beside a busy engine.
Medians; the last column is the ratio of the largest to the smallest.
"""

import asyncio
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import nan

import asyncpg
import httpx

from benchmarks.databases import LIVE, SIZES, make, start_server
from benchmarks.usage import Meter, processor_seconds, resident
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database
from monitoring.sections import SECTIONS
from monitoring.sections.facts import read_facts
from monitoring.sections.section import Reading
from tests.projections.reading import follower_of, refreshed

REPEATS = 30
COMMITS_A_SECOND = 20
READERS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'atb-monitoring'"
CALLS = (
    "/",
    "/api/status",
    "/api/metrics",
    "/api/balance",
    "/api/balance/history?days=30",
    "/api/balance/history?days=3650",
    "/api/positions",
    "/api/trades?limit=50",
    "/api/trades?limit=50&offset=1000",
    *(f"/api/trades?{wanted}" for wanted in ("sort=pnl", "sort=symbol", "side=short", "outcome=loss", "symbol=NONE")),
    "/api/partial-trades",
    "/api/pending-orders",
    "/api/performance?days=7",
    "/api/performance?days=365",
    "/api/system/status",
    "/api/dashboard/state",
    *(f"/partials/{section.name}" for section in SECTIONS),
    *(f"/partials/{name}?range=all" for name in ("equity", "curve", "realised")),
)
NEW_ROWS = f"""
WITH trade AS (
    INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, entry_time, exit_time, pnl, pnl_percent,
                        commission, strategy_name, order_id, session_id)
    SELECT 'BTCUSDT', 'LONG', 'LIVE', 1, 1, 0.1, $1, $1, 1, 1, 0, 'ml_basic', gen_random_uuid()::text, {LIVE})
INSERT INTO account_history (timestamp, balance, equity, total_pnl, session_id) VALUES ($1, 15000, 15000, 1, {LIVE})
"""


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[tuple[str, int, float]]:
    """The server's address and process id, and when it was started."""
    started = time.perf_counter()
    command = (sys.executable, "-m", "monitoring", "dashboards", "run", "monitoring", "--port", "0", "--db-url", url)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, "ENV": "test"}
    )
    assert process.stdout is not None
    found = re.search(rb"at (\S+)/ ", await process.stdout.readline())
    assert found is not None
    try:
        yield found[1].decode(), process.pid, started
    finally:
        process.terminate()
        await process.wait()


async def cold_start(client: httpx.AsyncClient, started: float) -> tuple[float, float]:
    """Seconds from the start of the process to the first page, and to a complete history."""
    (await client.get("/")).raise_for_status()
    first_page = time.perf_counter() - started
    while (await client.get("/ready")).json().get("histories"):  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.05)
    return first_page, time.perf_counter() - started


async def warm(client: httpx.AsyncClient, path: str) -> float:
    """Median milliseconds of a call."""
    return statistics.median([await timed(client, path) for _ in range(REPEATS)]) * 1000


async def refresh(url: str) -> float:
    """Median milliseconds from a committed trade and snapshot to all facts."""
    database = Database(url, SYSTEM_CLOCK)
    await database.open()
    writer = await asyncpg.connect(url)
    spent = []
    async with database.acquire() as connection:
        follower = await refreshed(connection, await follower_of(connection, LIVE))
        cache = follower.fact_cache
        for _ in range(REPEATS):
            await writer.execute(NEW_ROWS, SYSTEM_CLOCK.now())
            started = time.perf_counter()
            await refreshed(connection, follower)
            await read_facts(Reading(connection, database.capabilities, follower.state, SYSTEM_CLOCK.now()), cache)
            spent.append(time.perf_counter() - started)
    await writer.close()
    await database.close()
    return statistics.median(spent) * 1000


async def beside_an_engine(url: str) -> dict[str, float]:
    """A cold start while an engine commits COMMITS_A_SECOND times a second, and somebody asks for sections."""
    writer = await asyncpg.connect(url)
    writing = asyncio.create_task(write_again_and_again(writer))
    waits: list[float] = []
    async with serving(url) as (address, _, started), httpx.AsyncClient(base_url=address, timeout=300) as client:
        (await client.get("/")).raise_for_status()
        meter = Meter.start(await backends(url))
        while (await client.get("/ready")).json().get("histories"):
            waits += [await timed(client, path) for path in ("/", "/partials/curve", "/api/metrics")]
            await asyncio.sleep(0.2)
        complete, share = time.perf_counter() - started, meter.percent()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await writer.close()
    return {
        "beside a busy engine: complete (s)": complete,
        "beside a busy engine: PostgreSQL for scans (% of a core)": share,
        "beside a busy engine: pages and calls, p95 (ms)": sorted(waits)[len(waits) * 95 // 100] * 1000
        if waits
        else nan,
    }


async def backends(url: str) -> list[int]:
    """Process ids of the dashboard's connections."""
    watcher = await asyncpg.connect(url)
    found = [row["pid"] for row in await watcher.fetch(READERS)]
    await watcher.close()
    return found


async def write_again_and_again(writer: asyncpg.Connection) -> None:
    while True:
        await writer.execute(NEW_ROWS, SYSTEM_CLOCK.now())
        await asyncio.sleep(1 / COMMITS_A_SECOND)


async def timed(client: httpx.AsyncClient, path: str) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    (await client.get(path)).raise_for_status()
    return time.perf_counter() - started


async def measure(url: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    async with serving(url) as (address, process, started), httpx.AsyncClient(base_url=address, timeout=300) as client:
        figures["cold: first page (s)"], figures["cold: complete (s)"] = await cold_start(client, started)
        figures["cold: our processor time (s)"] = processor_seconds(process)
        figures["cold: PostgreSQL's processor time (s)"] = sum(map(processor_seconds, await backends(url)))
        for path in CALLS:
            figures[f"{path} (ms)"] = await warm(client, path)
        figures["resident memory (MB)"] = resident(process) / 1e6
    figures["refresh after one new trade and snapshot (ms)"] = await refresh(url)
    return figures | await beside_an_engine(url)


def report(names: Sequence[str], columns: Sequence[dict[str, float]]) -> None:
    print(f"{'':50}" + "".join(f"{name:>12}" for name in names) + f"{'ratio':>8}")
    for key in columns[0]:
        values = [column[key] for column in columns]
        print(f"{key:50}" + "".join(f"{value:12.2f}" for value in values) + f"{values[-1] / values[0]:8.1f}")


async def main() -> None:
    wanted = [size for size in SIZES if not sys.argv[1:] or size.name in sys.argv[1:]]
    with start_server() as server:
        columns = [await measure(await make(server, size)) for size in wanted]
    report([size.name for size in wanted], columns)


if __name__ == "__main__":
    asyncio.run(main())
