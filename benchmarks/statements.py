"""How many statements one committed trade costs with one page open: `python -m benchmarks.statements`.

Counted are all statements of the dashboard from the commit until every stale section was fetched, but for the poll of
the snapshot, BEGIN and COMMIT, and what runs without a change (counted in a pause of the same length).
"""

import asyncio
import statistics
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.databases import start_server
from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.database.connection import Connection
from monitoring.database.schema import create_schema
from monitoring.services import KEY, Services
from tests.history import seed_account
from tests.rows import insert, now

REPEATS = 30
SETTLED_SECONDS = 1.5
"""After so long everything that a change makes stale was fetched."""
NOT_COUNTED = ("pg_current_snapshot", "BEGIN", "COMMIT", "SET ", "pg_stat_get_tuples", "coalesce(max(id), 0) AS id",
               "set_config", "typeinfo_tree")  # fmt: skip


class Statements:
    """Every statement of the application that is counted, by its text."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def listen(self, connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda record: self._note(record.query))

    def _note(self, text: str) -> None:
        if not any(words in text for words in NOT_COUNTED):
            self.texts.append(text)


async def look(client: Any, parts: Services) -> None:
    """A page: it hears of stale sections and fetches them."""
    await client.get("/")
    viewer = parts.hub.subscribe("bot:1")
    parts.feed.wake()
    while not viewer.closed:
        await asyncio.gather(
            *(client.get(f"/partials/{name}?bot=1", headers={"HX-Request": "true"}) for name in await viewer.next(60))
        )


async def count(url: str) -> tuple[list[int], list[int], list[str]]:
    statements, connect = Statements(), Connection.__init__

    def listening(self: Connection, *arguments: Any, **options: Any) -> None:
        connect(self, *arguments, **options)
        statements.listen(self)

    Connection.__init__ = listening  # type: ignore[method-assign]
    writer = await asyncpg.connect(url)
    await create_schema(writer)
    await seed_account(writer)
    app = create_app(load_settings({"DATABASE_URL": url, "ENV": "test"}))
    async with app.test_app():
        parts: Services = app.extensions[KEY]
        looking = asyncio.create_task(look(app.test_client(), parts))
        await asyncio.sleep(3 * SETTLED_SECONDS)
        with_trade, without, last = [], [], []
        for number in range(REPEATS):
            statements.texts.clear()
            await asyncio.sleep(SETTLED_SECONDS)
            without.append(len(statements.texts))
            statements.texts.clear()
            await insert(writer, "trades", session_id=1, pnl=number, exit_time=now())
            await asyncio.sleep(SETTLED_SECONDS)
            with_trade.append(len(statements.texts))
            last = list(statements.texts)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
    await writer.close()
    return with_trade, without, last


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="atb-bench-") as folder, start_server(Path(folder)) as server:
        await server.create_database("statements")
        with_trade, without, last = await count(server.url("statements"))
    print(f"with one trade: mean {statistics.mean(with_trade):.1f}; without: mean {statistics.mean(without):.1f}")
    print(f"one trade costs {statistics.mean(with_trade) - statistics.mean(without):.1f} statements; the last were:")
    for text in last:
        print("  ", " ".join(text.split())[:110])


if __name__ == "__main__":
    asyncio.run(main())
