"""What one committed trade costs with one page open: `python -m benchmarks.statements [CHECKOUT ...]`.

For each checkout of the repository (none: this one; another brings its own .venv): statements and processor time, ours
and PostgreSQL's, of a transaction that inserts one row into ``trades``, until every stale section was fetched. What the
same time costs without a trade is taken off. Polls of the snapshot, BEGIN and COMMIT do not count.
"""

import asyncio
import os
import re
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from benchmarks.databases import start_server
from benchmarks.usage import processor_seconds
from monitoring.database.schema import create_schema
from monitoring.postgres.embedded import EmbeddedServer
from tests.history import seed_account
from tests.rows import insert, now

REPEATS = 30
WINDOW_SECONDS = 2.0
"""After so long everything that a change makes stale was fetched; as long as the beat of what time alone changes."""
NOT_COUNTED = ("pg_current_snapshot", "BEGIN", "COMMIT", "SET ", "pg_stat_get_tuples", "coalesce(max(id), 0) AS id",
               "set_config", "typeinfo_tree", "pg_attribute")  # fmt: skip
STATEMENT = re.compile(r"\[(\d+)\] LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)")
HERE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of some time: statements, and milliseconds of processor time."""

    statements: float
    ours_ms: float
    postgres_ms: float


@dataclass(slots=True)
class Meter:
    """Counts what a server and its database connections do."""

    log: Path
    server: int
    writer: asyncpg.Connection

    async def spent(self, offset: int) -> tuple[Cost, int]:
        """Statements since ``offset`` bytes of the log, processor time since each process began; where the log ends."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        backends = [row["pid"] for row in await self.writer.fetch(query)]
        text = self.log.read_bytes()
        found = STATEMENT.findall(text[offset:].decode(errors="replace"))
        counted = [words for pid, words in found if int(pid) in backends and not any(no in words for no in NOT_COUNTED)]
        postgres = sum(processor_seconds(pid) for pid in backends)
        return Cost(len(counted), processor_seconds(self.server) * 1000, postgres * 1000), len(text)

    async def window(self) -> Cost:
        """Of the time that a trade takes to be shown."""
        before, offset = await self.spent(self.log.stat().st_size)
        await asyncio.sleep(WINDOW_SECONDS)
        after, _ = await self.spent(offset)
        return Cost(after.statements, after.ours_ms - before.ours_ms, after.postgres_ms - before.postgres_ms)

    async def with_trade(self, number: int) -> Cost:
        waiting = asyncio.create_task(self._insert(number))
        cost = await self.window()
        await waiting
        return cost

    async def _insert(self, number: int) -> None:
        await asyncio.sleep(WINDOW_SECONDS / 10)
        await insert(self.writer, "trades", session_id=1, pnl=number, exit_time=now())


async def look(client: httpx.AsyncClient) -> None:
    """A page: it hears of stale sections and fetches them."""
    (await client.get("/")).raise_for_status()
    async with client.stream("GET", "/events", timeout=None) as stream:
        async for line in stream.aiter_lines():
            names = re.findall(r'"(\w+)":', line) if line.startswith("data:") and "hb" not in line else []
            asked = (client.get(f"/partials/{name}", headers={"HX-Request": "true"}) for name in names)
            await asyncio.gather(*asked)


@asynccontextmanager
async def dashboard(checkout: Path, url: str) -> AsyncIterator[tuple[str, int]]:
    """Address and process id of the checkout's server."""
    own = checkout / ".venv/bin/python"
    process = await asyncio.create_subprocess_exec(
        *(own if own.exists() else sys.executable, "-m", "monitoring", "dashboards", "run", "monitoring"),
        *("--port", "0", "--db-url", url),
        cwd=checkout,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "ENV": "test", "PYTHONPATH": str(checkout)},
    )
    assert process.stdout is not None
    found = re.search(rb"at (\S+)/ ", await process.stdout.readline())
    assert found is not None
    try:
        yield found[1].decode(), process.pid
    finally:
        process.terminate()
        await process.wait()


async def measure(server: EmbeddedServer, checkout: Path, number: int) -> Cost:
    name = f"statements{number}"
    await server.create_database(name)
    writer = await asyncpg.connect(server.url(name))
    await create_schema(writer)
    await seed_account(writer)
    await writer.execute(f"ALTER DATABASE {name} SET log_statement = 'all'")
    async with (
        dashboard(checkout, server.url(name)) as (address, process),
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        looking = asyncio.create_task(look(client))
        await asyncio.sleep(3 * WINDOW_SECONDS)
        meter = Meter(server.data_dir / "postgres.log", process, writer)
        costs = [(await meter.window(), await meter.with_trade(repeat)) for repeat in range(REPEATS)]
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    await writer.close()
    return difference(costs)


def difference(costs: Iterable[tuple[Cost, Cost]]) -> Cost:
    """Mean of what a window with a trade costs more than one without."""
    pairs = list(costs)
    return Cost(
        statistics.mean(more.statements - less.statements for less, more in pairs),
        statistics.mean(more.ours_ms - less.ours_ms for less, more in pairs),
        statistics.mean(more.postgres_ms - less.postgres_ms for less, more in pairs),
    )


async def main(checkouts: Sequence[Path]) -> None:
    with tempfile.TemporaryDirectory(prefix="atb-bench-") as folder, start_server(Path(folder)) as server:
        for number, checkout in enumerate(checkouts):
            cost = await measure(server, checkout, number)
            print(
                f"{checkout.name}: one trade costs {cost.statements:.1f} statements, {cost.ours_ms:.1f} ms of our"
                f" processor time, {cost.postgres_ms:.1f} ms of PostgreSQL's (mean of {REPEATS})"
            )


if __name__ == "__main__":
    asyncio.run(main([Path(given).absolute() for given in sys.argv[1:]] or [HERE]))
