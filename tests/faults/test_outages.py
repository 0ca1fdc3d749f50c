"""The database fails in every possible way and comes back: figures stay, with their age, and are current afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from monitoring.database import pool
from monitoring.postgres.embedded import EmbeddedServer
from monitoring.sections import SECTIONS
from tests.faults.crash import kill
from tests.faults.page import OPERATOR, Page, hidden, marked_old
from tests.faults.reader import READER
from tests.faults.wire import Wire
from tests.rows import insert, now
from tests.waiting import until, waiting

LIMIT = 1
"""Seconds that a query may take where a test makes it slow."""


@asynccontextmanager
async def engine(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A new connection of the trading engine."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def trades_on(page: Page, url: str, account: int) -> None:
    """The page is right again: it says so, and shows what is committed now without being asked."""
    await page.is_fresh()
    async with engine(url) as connection:
        number = await insert(connection, "trades", session_id=account, pnl=77, exit_time=now())
        total = await connection.fetchval("SELECT count(*) FROM trades WHERE session_id = $1", account)
    await page.shows("trade_list", f'id="trade-{number}"')
    await page.shows("trade_filter", f">{total}<")
    assert (await page.json("/api/metrics"))["total_trades"] == total
    await until(lambda: page.parts.feed.state.mode == "primary")
    status = await page.json("/api/status")
    assert (status["database"], status["feed"]["mode"]) == ("connected", "primary")
    ready = await page.json("/ready")
    assert ready["ready"], ready
    assert not any(task["failures"] for task in ready["tasks"].values()), ready["tasks"]


async def is_away(page: Page) -> None:
    """The page still shows its figures, and nothing about them looks fresh."""
    figures = page.fragments["trade_filter"]
    assert ">40<" in figures
    await page.is_old()
    assert ">40<" in page.fragments["trade_filter"]
    await page.shows("state", "The database cannot be read")
    assert "Online" not in page.fragments["state"]
    assert "<title>Database away" in await page.get("/")
    assert " old</span>" not in page.fragments["equity"], "an age that stands still"
    status = await page.json("/api/status")
    assert (status["database"], status["feed"]["mode"]) == ("unavailable", "disconnected")
    assert not (await page.json("/ready"))["ready"]


async def test_unreachable_for_long(page: Page, wire: Wire, database_url: str, account: int) -> None:
    await wire.refuse()
    await is_away(page)
    async with engine(database_url) as connection:
        number = await insert(connection, "trades", session_id=account, pnl=-5, exit_time=now())
    await wire.listen()
    await page.shows("trade_list", f'id="trade-{number}"')
    await trades_on(page, database_url, account)


async def test_restarted(page: Page, server: EmbeddedServer, database_url: str, account: int) -> None:
    await asyncio.to_thread(server.stop_database)
    await is_away(page)
    await asyncio.to_thread(server.start_database)
    await trades_on(page, database_url, account)


async def test_killed(page: Page, server: EmbeddedServer, database_url: str, account: int) -> None:
    await kill(server)
    await is_away(page)
    await asyncio.to_thread(server.start_database)
    await trades_on(page, database_url, account)


async def test_one_backend_killed_so_that_all_recover(
    page: Page, server: EmbeddedServer, connection: asyncpg.Connection, database_url: str, account: int
) -> None:
    psutil.Process(connection.get_server_pid()).kill()
    await until(lambda: page.parts.feed.state.mode == "disconnected")
    await until(lambda: page.parts.feed.state.mode == "primary")
    await trades_on(page, database_url, account)


async def test_connections_ended_by_an_administrator(
    page: Page, connection: asyncpg.Connection, database_url: str, account: int
) -> None:
    ended = await connection.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'atb-monitoring'"
    )
    assert ended > 1
    await trades_on(page, database_url, account)


async def test_a_connection_that_dies_without_a_word(page: Page, wire: Wire, database_url: str, account: int) -> None:
    wire.swallow()
    await is_away(page)
    async with engine(database_url) as connection:
        await insert(connection, "trades", session_id=account, pnl=1, exit_time=now())
    wire.reset()
    wire.pass_on()
    await trades_on(page, database_url, account)


async def test_out_of_connections(
    page: Page, wire: Wire, connection: asyncpg.Connection, database_url: str, account: int
) -> None:
    await connection.execute(f"ALTER ROLE {READER} CONNECTION LIMIT 0")
    try:
        wire.reset()
        await is_away(page)
        await until(lambda: "no connection left" in page.parts.feed.state.how)
    finally:
        await connection.execute(f"ALTER ROLE {READER} CONNECTION LIMIT -1")
    await trades_on(page, database_url, account)


async def test_a_scope_that_is_none_is_refused_while_it_is_away(page: Page, wire: Wire) -> None:
    """A name that can be no id is refused at once, and nothing is kept of it."""
    await wire.refuse()
    wire.reset()
    await is_away(page)
    for path in ("/versions?session=%C2%B2", "/versions?bot=nine", "/events?session=-1", "/api/status?session=%C2%B2"):
        assert (await page.client.get(path)).status_code == 404, path
    assert (await page.client.get("/versions?bot=4711")).status_code == 200


CLOSED = {
    "takes no new connections": (
        "ALTER DATABASE {0} ALLOW_CONNECTIONS false",
        "ALTER DATABASE {0} ALLOW_CONNECTIONS true",
    ),
    "there is no such database": ("ALTER DATABASE {0} RENAME TO away", "ALTER DATABASE away RENAME TO {0}"),
    "may not connect to it": ("REVOKE CONNECT ON DATABASE {0} FROM PUBLIC", "GRANT CONNECT ON DATABASE {0} TO PUBLIC"),
    "user or password refused": (f"ALTER ROLE {READER} NOLOGIN", f"ALTER ROLE {READER} LOGIN"),
    "no connection left": ("ALTER DATABASE {0} CONNECTION LIMIT 0", "ALTER DATABASE {0} CONNECTION LIMIT -1"),
}
END_ALL = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1"


@pytest.mark.parametrize("why", CLOSED)
async def test_closed_by_an_administrator(
    why: str, page: Page, server: EmbeddedServer, database_url: str, account: int
) -> None:
    """With whatever error it refuses connections, it counts as unavailable, and recovers as such."""
    name = urlsplit(database_url).path[1:]
    close, reopen = (statement.format(name) for statement in CLOSED[why])
    async with engine(server.url("postgres")) as administrator:
        try:
            # A database can only be renamed while nobody is connected.
            await administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await administrator.fetch(END_ALL, name)
            await administrator.execute(close)
            if why != "takes no new connections":
                renamed = "away" if "RENAME" in close else name
                await administrator.execute(f"ALTER DATABASE {renamed} ALLOW_CONNECTIONS true")
            await is_away(page)
            await until(lambda: why in page.parts.feed.state.how)
            answers = {path: await page.client.get(path) for path in ("/health", "/api/status", "/", "/api/metrics")}
            assert [answer.status_code for answer in answers.values()] == [200, 200, 200, 503]
        finally:
            await administrator.execute(reopen)
    await trades_on(page, database_url, account)


async def test_fewer_connections_than_readers(
    page: Page, wire: Wire, connection: asyncpg.Connection, account: int
) -> None:
    """There is one connection for the feed and one for all sections, which wait for it instead of failing."""
    await connection.execute(f"ALTER ROLE {READER} CONNECTION LIMIT 2")
    try:
        wire.reset()
        await page.is_fresh()
        number = await insert(connection, "trades", session_id=account, exit_time=now())
        await page.shows("trade_list", f'id="trade-{number}"')
        answers = await asyncio.gather(*(page.client.get("/api/metrics") for _ in range(12)))
        assert {answer.status_code for answer in answers} == {200}
    finally:
        await connection.execute(f"ALTER ROLE {READER} CONNECTION LIMIT -1")


@pytest.mark.parametrize(
    ("table", "section"), [("trades", "trade_list"), pytest.param("orders", "state", marks=pytest.mark.audit)]
)
async def test_a_table_locked_by_a_migration(
    page: Page, connection: asyncpg.Connection, database_url: str, account: int, table: str, section: str
) -> None:
    async with engine(database_url) as migration:
        transaction = migration.transaction()
        await transaction.start()
        await migration.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        await insert(connection, "system_events", session_id=account)
        await page.becomes_old(section)
        assert "locked" in page.parts.feed.state.how
        await transaction.rollback()
    await trades_on(page, database_url, account)


@pytest.mark.audit
async def test_so_slow_that_queries_exceed_their_limit(
    page: Page,
    wire: Wire,
    connection: asyncpg.Connection,
    database_url: str,
    account: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "READ_ONLY_SETUP", pool.READ_ONLY_SETUP.replace("'5s'", f"'{LIMIT}s'"))
    wire.reset()
    await until(lambda: page.parts.feed.state.mode == "disconnected")
    await page.is_fresh()
    number = await insert(connection, "trades", session_id=account)
    await connection.execute(
        f"CREATE POLICY crawl ON trades USING (id <= {number} OR pg_sleep({LIMIT + 1}) IS NOT NULL)"
    )
    await connection.execute("ALTER TABLE trades ENABLE ROW LEVEL SECURITY")
    await insert(connection, "trades", session_id=account)
    await until(lambda: page.parts.feed.state.how == "a query took longer than its limit")
    # Fetched together, as a page does, sections wait for one such query and not each for its own.
    async with waiting():
        bodies = await asyncio.gather(*(page.get(f"/partials/{section.name}") for section in SECTIONS))
    assert all(marked_old(body) or hidden(body) for body in bodies)
    await page.shows("state", "The database cannot be read")
    await connection.execute("ALTER TABLE trades DISABLE ROW LEVEL SECURITY")
    await trades_on(page, database_url, account)


async def test_read_only(page: Page, connection: asyncpg.Connection, database_url: str, account: int) -> None:
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    wanted = {"json": {"balance": 1, "reason": "test"}, "headers": OPERATOR}
    refused = await page.client.post("/api/balance", **wanted)
    assert refused.status_code == 403
    await connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    await trades_on(page, database_url, account)
