"""How soon faults are marked, and how soon the figures are true again: `python -m benchmarks.faults [CHECKOUT …]`.

For every checkout of the repository (this one without any named) it starts a dashboard over a TCP wire to a PostgreSQL,
follows its first page as a browser does, and brings about one fault after the other. Times are seconds:

- *mark*: from the fault until no section of the page looks current any more,
- *status*, *ready*: until /api/status says ``unavailable``, and /ready 503,
- *slowest*: the longest of all answers to /, the page's sections, /api/metrics and /ready during the fault,
- *no SQL*: how long /api/trades, which needs a query of its own, takes to say 503 once the fault is known,
- *truth*: from the end of the fault until a trade written then is on the page, and nothing is marked.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx

from monitoring.database.schema import create_schema
from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.clients import Fragments, events
from tests.faults.deeds import FAULTS, Deed, Place
from tests.faults.page import hidden, marked_old
from tests.faults.wire import wire_to
from tests.history import seed_account
from tests.rows import insert, now
from tests.waiting import WAIT_SECONDS

FAULT_SECONDS = 12.0
ASK_PAUSE_SECONDS = 0.25
RETRY_SECONDS = 1.0
"""After which the page asks again for what is marked."""
SECTION = re.compile(r'<section\s+id="(\w+)"')
LISTED = re.compile(r"at (\S+)/ ")
OPEN_PAGE = {"HX-Request": "true"}
NEVER = float("inf")
COLUMNS = ("mark", "status", "ready", "slowest", "no SQL", "truth")


LASTING = tuple(FAULTS)[:6]
"""Faults that go on until they are ended."""


@dataclass
class Bench:
    """A place where faults happen, and a database with an account."""

    place: Place
    session: int

    async def trade(self) -> int:
        writer = await asyncpg.connect(self.place.server.url("faults"))
        try:
            return await insert(writer, "trades", session_id=self.session, pnl=5, exit_time=now())
        finally:
            await writer.close()


@dataclass
class Page:
    """The first page, as a browser keeps it up to date."""

    url: str
    names: list[str] = field(default_factory=list)
    shown: Fragments = field(init=False)
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        # A connection that is kept may be ended by the server just when it is used again.
        alone = httpx.Limits(max_keepalive_connections=0)
        self.shown = Fragments(self.url)
        self.client = httpx.AsyncClient(base_url=self.url, timeout=WAIT_SECONDS, limits=alone)

    async def open(self) -> None:
        self.names = SECTION.findall((await self.client.get("/")).text)
        assert self.names

    async def follow(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for work in (events(self.shown), self.shown.fetch(), self._ask_again()):
                tasks.create_task(work)

    async def _ask_again(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if old := [name for name in self.names if marked_old(self.shown.shown.get(name, "<p>"))]:
                self.shown.stale(dict.fromkeys(old, ""))

    def all_marked(self) -> bool:
        return all(marked_old(body) or hidden(body) for body in self._bodies())

    def none_marked(self) -> bool:
        return not any(marked_old(body) for body in self._bodies())

    def holds(self, trade: int) -> bool:
        return any(f'id="trade-{trade}"' in body for body in self.shown.shown.values())

    def _bodies(self) -> Iterator[str]:
        return (self.shown.shown.get(name, "<p>") for name in self.names)


async def seconds_until(condition: Callable[[], bool | Awaitable[bool]], limit: float = WAIT_SECONDS) -> float:
    begun = time.perf_counter()
    while time.perf_counter() - begun < limit:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return time.perf_counter() - begun
        await asyncio.sleep(0.01)
    return NEVER


async def slowest_answer(page: Page) -> float:
    """Of all requests that are begun in FAULT_SECONDS."""
    begun, longest = time.perf_counter(), 0.0

    async def ask(path: str, headers: dict[str, str]) -> None:
        nonlocal longest
        asked = time.perf_counter()
        await page.client.get(path, headers=headers)
        longest = max(longest, time.perf_counter() - asked)

    names = ",".join(page.names[:20])
    async with asyncio.TaskGroup() as tasks:
        while time.perf_counter() - begun < FAULT_SECONDS:
            for path in ("/", f"/partials?names={names}", "/api/metrics", "/ready"):
                tasks.create_task(ask(path, OPEN_PAGE if "partials" in path else {}))
            await asyncio.sleep(ASK_PAUSE_SECONDS)
    return longest


async def refusal(page: Page) -> float:
    """How long a call takes that needs a query of its own, while the fault is known."""
    await asyncio.sleep(FAULT_SECONDS / 2)
    begun = time.perf_counter()
    answer = await page.client.get("/api/trades")
    return time.perf_counter() - begun if answer.status_code == 503 else NEVER


async def suffer(bench: Bench, page: Page, begin: Deed, end: Deed) -> list[float]:
    """Times of one fault: mark, status, ready, slowest, no SQL, truth."""

    async def unavailable() -> bool:
        return bool((await page.client.get("/api/status")).json()["database"] == "unavailable")

    async def not_ready() -> bool:
        return (await page.client.get("/ready")).status_code == 503

    _begun, *times = await asyncio.gather(
        begin(bench.place),
        seconds_until(page.all_marked),
        seconds_until(unavailable),
        seconds_until(not_ready),
        slowest_answer(page),
        refusal(page),
    )
    await end(bench.place)
    trade = await bench.trade()
    return [*times, await seconds_until(lambda: page.holds(trade) and page.none_marked())]


@asynccontextmanager
async def dashboard(checkout: Path, database: str) -> AsyncIterator[str]:
    own = checkout / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    process = await asyncio.create_subprocess_exec(
        *(python, "-m", "monitoring", "dashboards", "run", "monitoring", "--port", "0", "--db-url", database),
        cwd=checkout,
        env={**os.environ, "ENV": "test", "PYTHONPATH": str(checkout)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        found = LISTED.search((await process.stdout.readline()).decode())
        assert found is not None, f"{checkout}: does not start"
        yield found[1]
    finally:
        process.terminate()
        await process.wait()


async def measure(server: EmbeddedServer, checkout: Path) -> None:
    print(f"\n{checkout}\n{'':34}" + "".join(f"{name:>9}" for name in COLUMNS), flush=True)
    async with bench_of(server) as bench, dashboard(checkout, bench.place.wire.url()) as url:
        page = Page(url)
        await page.open()
        following = asyncio.create_task(page.follow())
        assert await seconds_until(page.none_marked) < NEVER
        for name in LASTING:
            times = await suffer(bench, page, *FAULTS[name])
            print(f"{name:34}" + "".join(f"{seconds:9.2f}" for seconds in times), flush=True)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@asynccontextmanager
async def bench_of(server: EmbeddedServer) -> AsyncIterator[Bench]:
    await server.drop_database("faults")
    await server.create_database("faults")
    writer = await asyncpg.connect(server.url("faults"))
    await create_schema(writer)
    session = await seed_account(writer)
    await writer.close()
    async with wire_to(server.url("faults")) as wire:
        yield Bench(Place(server, wire), session)


async def main(checkouts: Sequence[Path]) -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer.start(Path(folder) / "postgres") as server:
        for checkout in checkouts:
            await measure(server, checkout.absolute())


if __name__ == "__main__":
    asyncio.run(main([Path(name) for name in sys.argv[1:]] or [Path(__file__).parent.parent]))
