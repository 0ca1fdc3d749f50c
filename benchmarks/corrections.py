"""How long a correction of old rows goes unseen: `python -m benchmarks.corrections [SIZE]`, a name of databases.SIZES.

Seconds from the commit until /api/metrics says what it says when everything is read from the start, with one page open:
where the server counts updates, and where the writer's session does not (``track_counts = off``, as nothing does on a
standby), so that the rolling audit alone finds it. The database is a copy of the benchmark's and goes afterwards.
"""

import asyncio
import sys
import time

import asyncpg

from benchmarks.databases import LIVE, SIZES, Size, make, start_server
from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.page import Page, dashboard

LONGEST_SECONDS = 900.0
PAUSE_SECONDS = 0.05
COPY = "bench_corrections"
FIGURES = ("total_trades", "total_pnl", "risk_per_trade", "active_positions", "equity", "max_drawdown")
CORRECTIONS = {
    "a trade updated": "UPDATE trades SET pnl = pnl + 1000 WHERE id = 5",
    "a trade deleted": "CREATE TABLE kept AS SELECT * FROM trades WHERE id = 6; DELETE FROM trades WHERE id = 6",
    "the id taken again": "INSERT INTO trades SELECT * FROM kept",
    "a snapshot updated": "UPDATE account_history SET equity = 1 WHERE id = 7",
    "the oldest snapshots deleted": "DELETE FROM account_history WHERE id <= 30",
    "an order of an old trade": f"UPDATE trades SET position_id = 8 WHERE id = 8;"
    f" INSERT INTO orders (position_id, order_type, status, symbol, side, quantity, price, created_at, session_id,"
    f" internal_order_id, strategy_name)"
    f" SELECT 8, 'STOP_LOSS', 'FILLED', symbol, 'LONG', 1, 100, entry_time, {LIVE}, 'late', 'ml_basic'"
    f" FROM trades WHERE id = 8",
    "an old balance at entry": "UPDATE positions SET entry_balance = 10 WHERE id = 8",
    "a position opened again": "UPDATE positions SET status = 'OPEN' WHERE id = 9",
}


async def figures(page: Page) -> tuple[object, ...]:
    found = await page.json("/api/metrics")
    return tuple(found.get(figure) for figure in FIGURES)


async def settled(page: Page) -> tuple[object, ...]:
    """The figures once everything has been read to its end."""
    while True:
        await page.parts.projections.settle()
        if not page.parts.projections.scans:
            return await figures(page)
        await asyncio.sleep(PAUSE_SECONDS)


async def seconds_until_true(page: Page, engine: asyncpg.Connection, statement: str, url: str) -> float:
    """From the commit on; NaN where the figures stay wrong."""
    seen: list[tuple[float, tuple[object, ...]]] = []

    async def look() -> None:
        while True:
            seen.append((time.monotonic(), await figures(page)))
            await asyncio.sleep(PAUSE_SECONDS)

    await engine.execute(statement)
    committed, looking = time.monotonic(), asyncio.create_task(look())
    async with dashboard(url, followed=False) as fresh:
        truth = await settled(fresh)
    while not (seen and seen[-1][1] == truth) and time.monotonic() - committed < LONGEST_SECONDS:  # noqa: ASYNC110
        await asyncio.sleep(PAUSE_SECONDS)
    looking.cancel()
    return next((at - committed for at, found in seen if found == truth), float("nan"))


async def measure(server: EmbeddedServer, size: Size, counted: bool) -> dict[str, float]:
    """Seconds by correction."""
    await make(server, size)
    await server.create_database(COPY, size.name)
    try:
        engine = await asyncpg.connect(server.url(COPY), server_settings={"timezone": "UTC"})
        await engine.execute(f"SET track_counts = {'on' if counted else 'off'}")
        async with dashboard(server.url(COPY)) as page:
            await settled(page)
            await asyncio.sleep(1)
            return {
                name: await seconds_until_true(page, engine, statement, server.url(COPY))
                for name, statement in CORRECTIONS.items()
            }
    finally:
        await engine.close()
        await server.drop_database(COPY)


def main(size: Size) -> None:
    with start_server() as server:
        found = {counted: asyncio.run(measure(server, size, counted)) for counted in (True, False)}
    print(f"{size.name}: {size.history:,} snapshots, {size.trades:,} trades; seconds until true")
    print(f"| {'correction':30} | counted | not counted |")
    for name in CORRECTIONS:
        print(f"| {name:30} | {found[True][name]:7.1f} | {found[False][name]:11.1f} |")


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else SIZES[0].name
    main(next(size for size in SIZES if size.name == wanted))
