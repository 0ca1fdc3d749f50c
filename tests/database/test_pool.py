"""Connections that heal, and errors that are told apart: the database is away, or the mistake is ours."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.errors import SENTENCES, UNAVAILABLE, PlainErrors, sentence
from monitoring.database.pool import POOL_CONNECTION_COUNT, Database, DatabaseUnavailable
from monitoring.database.url import describe_url
from tests.waiting import waiting


async def used_wrongly(database: Database) -> None:
    """Two queries at once over one connection."""
    async with database.acquire() as connection:
        busy = asyncio.ensure_future(connection.fetch("SELECT pg_sleep(0.1)"))
        await asyncio.sleep(0)
        try:
            await connection.fetch("SELECT 1")
        finally:
            await busy


async def run(database: Database, *queries: str) -> None:
    async with database.acquire() as connection, connection.transaction():
        for query in queries:
            await connection.fetch(query)


async def test_a_mistake_of_ours_is_no_outage(database: Database) -> None:
    with pytest.raises(asyncpg.InterfaceError, match="another operation is in progress"):
        await used_wrongly(database)
    with pytest.raises(asyncpg.InterfaceError, match="expects 1 argument"):
        await run(database, "SELECT $1::int")
    await run(database, "SELECT 1")


@pytest.mark.parametrize("survived", [0, 1, 2])
async def test_a_connection_that_dies_in_use_is_an_outage(
    database: Database, connection: asyncpg.Connection, survived: int
) -> None:
    """Also where the first errors are overlooked: asyncpg says something else every time."""

    async def dies() -> None:
        async with database.acquire() as used:
            await connection.execute("SELECT pg_terminate_backend($1, 1000)", used.get_server_pid())
            for _ in range(survived):
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
                    await used.fetch("SELECT 1")
            await used.fetch("SELECT 1")

    with pytest.raises(DatabaseUnavailable, match="lost"):
        await dies()
    await run(database, "SELECT 1")


@pytest.mark.parametrize(
    ("setting", "query", "words"),
    [
        ("statement_timeout", "SELECT pg_sleep(5)", "took longer than its limit"),
        ("lock_timeout", "LOCK TABLE trades IN ACCESS SHARE MODE", "a table is locked"),
    ],
)
async def test_a_limit_that_is_reached_is_an_outage(
    database: Database, connection: asyncpg.Connection, setting: str, query: str, words: str
) -> None:
    async with connection.transaction():
        await connection.execute("LOCK TABLE trades IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseUnavailable, match=words):
            await run(database, f"SET LOCAL {setting} = '20ms'", query)


async def test_readers_that_meet_a_migration_do_not_wait_in_line(
    database: Database, connection: asyncpg.Connection
) -> None:
    """Each holds a connection; if reading the schema took another one, none would ever get it."""
    await connection.execute("ALTER TABLE trades DROP COLUMN commission")
    everybody = asyncio.Barrier(POOL_CONNECTION_COUNT)

    async def read() -> None:
        async with database.acquire() as used:
            await everybody.wait()
            await used.fetch("SELECT commission FROM trades")

    async with waiting():
        outcomes = await asyncio.gather(*(read() for _ in range(POOL_CONNECTION_COUNT)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {asyncpg.UndefinedColumnError}
    assert not database.capabilities.has("trades", "commission")


async def test_a_plan_that_a_migration_made_invalid_is_made_anew(
    database: Database, connection: asyncpg.Connection
) -> None:
    query = "SELECT * FROM trades"
    async with database.acquire() as used:
        await used.fetch(query)
        await connection.execute("ALTER TABLE trades ADD COLUMN mood text")
        await used.fetch(query)
    await connection.execute("ALTER TABLE trades ALTER COLUMN mood TYPE int USING 1")
    with pytest.raises(asyncpg.InvalidCachedStatementError):
        await run(database, query)
    assert database.capabilities.has("trades", "mood")


async def test_who_holds_a_connection_when_the_link_breaks_may_finish(database: Database) -> None:
    async with database.acquire() as used:
        await database.lost()
        assert await used.fetchval("SELECT 1") == 1
    async with database.acquire() as used:
        assert await used.fetchval("SELECT 1") == 1


async def test_nobody_waits_for_a_server_that_is_known_to_be_away(database: Database) -> None:
    good, database.url = database.url, "postgresql://postgres@127.0.0.1:1/x"
    with pytest.raises(DatabaseUnavailable):
        await database.connect()
    with pytest.raises(DatabaseUnavailable):
        async with database.acquire():
            pytest.fail("there is a server that is known not to be there")
    database.url = good
    connection, server = await database.connect()
    await database.follow(connection, server)
    connection.terminate()
    async with database.acquire() as used:
        assert await used.fetchval("SELECT 1") == 1


async def test_a_closed_pool_is_an_outage(database_url: str) -> None:
    database = Database(database_url, SYSTEM_CLOCK)
    with pytest.raises(DatabaseUnavailable):
        async with database.acquire():
            pytest.fail("never opened")
    await database.open()
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        async with database.acquire():
            pytest.fail("closed")


@pytest.mark.parametrize("kind", [kind for kind, _ in SENTENCES if issubclass(kind, UNAVAILABLE)])
def test_every_sentence_can_be_said(kind: type[Exception]) -> None:
    with pytest.raises(DatabaseUnavailable, match=f"^there: {sentence(kind('why'))}$"), PlainErrors("there"):
        raise kind("why")


@pytest.mark.parametrize("kind", [ValueError, KeyError, asyncpg.UndefinedColumnError, asyncpg.InterfaceError])
def test_other_errors_stay_what_they_are(kind: type[Exception]) -> None:
    with pytest.raises(kind), PlainErrors("there"):
        raise kind("why")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hid/den@db.example:5432/bot",
        "postgresql://u:hid?den@db.example:5432/bot",
        "postgresql://u:hid#den@db.example:5432/bot",
        "postgresql://u:hid@den@db.example:5432/bot?sslmode=require",
        "postgresql://u@db.example/bot?password=hidden",
        "postgresql://db.example/bot?user=a@b&password=hidden",
    ],
)
def test_no_password_is_ever_shown(url: str) -> None:
    assert "hid" not in describe_url(url)
    assert "den" not in describe_url(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@one:5432,two:5433/bot", "one:5432,two:5433/bot"),
        ("postgresql:///bot?host=/run/postgresql", "local socket/bot"),
        ("postgresql://[::1]:5432/bot", "[::1]:5432/bot"),
    ],
)
def test_the_place_is_shown(url: str, shown: str) -> None:
    assert describe_url(url) == shown
