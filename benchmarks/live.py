"""How quickly a commit reaches viewers, and what viewers cost: `python -m benchmarks.live` (some seven minutes).

A server over a fresh database; viewers in a process of their own and one real Chromium, all on this machine. It is
measured warm: after a few changes that do not count, so that every connection has planned its queries. A delay counts
from the moment before the INSERT is sent. Every figure has its target beside it; a missed one is marked, and
the exit code says so.
"""

import asyncio
import math
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from benchmarks.browser import Browser
from benchmarks.databases import LIVE, Size, make
from benchmarks.figures import serving
from benchmarks.usage import Meter, resident
from benchmarks.viewers import Viewers, viewers
from monitoring.changes.pace import ATTENTION_SECONDS
from monitoring.clock import SYSTEM_CLOCK
from monitoring.postgres.embedded import EmbeddedServer

MANY = 1000
WATCHING = 100
ROUNDS = 25
ROUNDS_SHOWN = 60
"""A browser is one viewer among many, so its percentiles need more changes."""
WARM_UP = 25
IDLE_SECONDS = 30
REFETCH_ROUNDS = 5
PAUSE = 0.9
"""Seconds from one change to the next at least: longer than the hub keeps a section quiet."""
NEW_TRADE = f"""
INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, quantity, entry_time, exit_time, pnl,
                    pnl_percent, commission, strategy_name, order_id, session_id)
VALUES ('BTCUSDT', 'LONG', 'LIVE', 50000, 50100, 0.1, 0.02, $1, $1, 2, 1, 0.7, 'ml_basic', gen_random_uuid()::text,
        {LIVE})
RETURNING id
"""
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'atb-monitoring' AND datname = current_database()"


@dataclass(slots=True)
class Report:
    """Prints each figure as it is known, and counts those that miss their target."""

    missed: list[str] = field(default_factory=list)

    def line(self, name: str, value: float, unit: str, target: float | None = None) -> None:
        late = target is not None and value >= target
        if late:
            self.missed.append(name)
        aim = "" if target is None else f"(target < {target:g})"
        print(f"{name:64}{value:9.2f} {unit:11}{aim}{' MISSED' if late else ''}", flush=True)

    def delays(self, name: str, seconds: Sequence[float], p95: float | None = None) -> None:
        ordered = sorted(seconds)
        self.line(f"{name}, p50", 1000 * ordered[len(ordered) // 2], "ms")
        self.line(f"{name}, p95", 1000 * ordered[math.ceil(0.95 * len(ordered)) - 1], "ms", p95)


@dataclass(frozen=True, slots=True)
class Bench:
    """A running server, a writer to its database, and where the figures go."""

    url: str
    address: str
    process: int
    writer: asyncpg.Connection
    report: Report

    async def processes(self) -> tuple[int, ...]:
        """The dashboard and its PostgreSQL backends."""
        return self.process, *(row["pid"] for row in await self.writer.fetch(BACKENDS))

    async def trade(self, crowd: Viewers) -> tuple[int, float]:
        """Commits a trade that the crowd then waits for; its id, and when (by the monotonic clock) it was sent."""
        # Not in step with the feed's own beat.
        await asyncio.sleep(PAUSE + random.random() * 0.1)
        await crowd.tell("begin")
        sent = time.monotonic()
        return await self.writer.fetchval(NEW_TRADE, SYSTEM_CLOCK.now()), sent


@asynccontextmanager
async def bench(postgres: EmbeddedServer, report: Report) -> AsyncIterator[Bench]:
    """A fresh server that has read its history."""
    url = await make(postgres, Size("live", 10_000, 1_000))
    async with serving(url) as (address, process, _started):
        writer = await asyncpg.connect(url)
        try:
            yield Bench(url, address, process, writer, report)
        finally:
            await writer.close()


async def idle(to: Bench, name: str, target: float) -> None:
    """Processor share of the server with a bot that writes nothing."""
    meter = Meter.start(await to.processes())
    await asyncio.sleep(IDLE_SECONDS)
    to.report.line(f"{name}: processor, PostgreSQL's share included", meter.percent(), "% of a core", target)


async def signals(to: Bench, crowd: Viewers, name: str, rounds: int = ROUNDS) -> None:
    """From commit to the signal's arrival at every viewer."""
    delays = []
    for _ in range(rounds):
        _, sent = await to.trade(crowd)
        delays += [at - sent for at in await crowd.tell("heard")]
    to.report.delays(f"{name}: commit to event", delays)


async def pages(to: Bench, crowd: Viewers, browser: Browser, name: str, target: float) -> None:
    """From commit to the signal at every viewer, and to the changed DOM of a real browser among them."""
    delays, shown = [], []
    for _ in range(ROUNDS_SHOWN):
        trade, sent = await to.trade(crowd)
        shown.append(await browser.showed(trade) - sent)
        delays += [at - sent for at in await crowd.tell("heard")]
    to.report.delays(f"{name}: commit to event", delays)
    to.report.delays(f"{name}: commit to DOM", shown, target)


async def herd(to: Bench) -> None:
    """One change after which every viewer fetches all stale sections, as soon as the signal lets it."""
    name = f"{MANY} that fetch"
    async with viewers(to.address, "websocket", MANY, fetching=True) as crowd, Browser.open(to.address) as browser:
        heard, fetched, shown, spent = [], [], [], 0.0
        for _ in range(REFETCH_ROUNDS):
            trade, sent = await to.trade(crowd)
            meter = Meter.start((to.process,))
            shown.append(await browser.showed(trade) - sent)
            heard += [at - sent for at in await crowd.tell("heard")]
            fetched += [at - sent for at in await crowd.tell("fetched")]
            spent += meter.seconds()
        to.report.delays(f"{name}: commit to event", heard)
        to.report.line(f"{name}: the last one current, worst", 1000 * max(fetched), "ms", 1000)
        to.report.line(f"{name}: processor a viewer and change", 1000 * spent / len(fetched), "ms", 0.6)
        to.report.delays(f"{name}: commit to all sections fetched", fetched)
        to.report.delays(f"{name}: commit to DOM", shown)


async def memory(to: Bench, transport: str, target: float) -> None:
    """Of the server, for each of many viewers."""
    async with viewers(to.address, transport, 10):
        before = resident(to.process)
    async with viewers(to.address, transport, MANY) as crowd:
        grown = resident(to.process) - before
        to.report.line(f"{transport}: server memory per viewer", grown / MANY / 1024, "KiB", target)
        await signals(to, crowd, f"{transport}, {MANY} viewers", 10)


async def measure(postgres: EmbeddedServer) -> Report:
    report = Report()
    async with bench(postgres, report) as to:
        async with viewers(to.address, "websocket", 1, fetching=True) as crowd:
            for _ in range(WARM_UP):
                await to.trade(crowd)
        await asyncio.sleep(ATTENTION_SECONDS)
        await idle(to, "nobody looks", 0.5)
        for transport in ("websocket", "sse"):
            async with viewers(to.address, transport, 1) as crowd:
                await signals(to, crowd, f"{transport}, 1 viewer")
        async with viewers(to.address, "websocket", 1) as crowd, Browser.open(to.address) as browser:
            await pages(to, crowd, browser, "1 viewer and a browser", 60)
        async with viewers(to.address, "websocket", WATCHING):
            await idle(to, f"{WATCHING} watch", 5)
        await memory(to, "websocket", 30)
        async with viewers(to.address, "websocket", MANY) as crowd, Browser.open(to.address) as browser:
            await pages(to, crowd, browser, f"{MANY} viewers and a browser", 100)
        await herd(to)
    async with bench(postgres, report) as to:
        await memory(to, "sse", 30)
    return report


async def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="atb-live-"))
    try:
        with EmbeddedServer.start(folder, durable=False) as postgres:
            report = await measure(postgres)
    finally:
        shutil.rmtree(folder)
    print(f"{os.cpu_count()} cores; missed: {', '.join(report.missed) or 'nothing'}")
    return bool(report.missed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
