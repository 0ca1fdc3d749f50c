"""What one statement for the news of all tables saves: `python -m benchmarks.polls`.

Against a statement for each table, on the database of a million rows; medians of 300 polls, processor time of this
process.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import asyncpg

from benchmarks.databases import SIZES, make, start_server
from monitoring.changes.table_cursors import MAX_NEW_ROWS, TableCursors
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import Capabilities

WARM_UP_POLLS, POLLS = 20, 300


async def measure(poll: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Median milliseconds of a poll, and mean milliseconds of processor time."""
    for _ in range(WARM_UP_POLLS):
        await poll()
    spent, began = [], time.process_time()
    for _ in range(POLLS):
        started = time.perf_counter()
        await poll()
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent), (time.process_time() - began) / POLLS * 1000


async def main(url: str) -> None:
    connection = await asyncpg.connect(url)
    watch = await TableCursors.start(connection, await Capabilities.read(connection), (), SYSTEM_CLOCK)
    query, arguments = watch._query(), watch._arguments()
    each = [
        f"({watch._columns(table)} WHERE id > $1 ORDER BY id LIMIT {MAX_NEW_ROWS})"
        f" UNION ALL {watch._columns(table)} WHERE id = ANY($2::bigint[])"
        for table in watch.cursors
    ]

    async def at_once() -> None:
        await connection.fetch(query, *arguments)

    async def one_by_one() -> None:
        for number, statement in enumerate(each):
            await connection.fetch(statement, *arguments[2 * number : 2 * number + 2])

    for name, poll in (("one statement", at_once), ("one a table", one_by_one)):
        elapsed, processor = await measure(poll)
        print(f"{name:15}{elapsed:8.2f} ms{processor:8.2f} ms of processor")
    await connection.close()


if __name__ == "__main__":
    with start_server() as server:
        asyncio.run(main(asyncio.run(make(server, SIZES[1]))))
