"""One real PostgreSQL a test run, one fresh database with the engine's schema a test."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest

from monitoring.database.schema import create_schema
from monitoring.postgres.embedded import EmbeddedServer
from tests.apart import run_apart
from tests.folders import new_folder

TEMPLATE = "template_engine"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The run's PostgreSQL. Who stops it with ``stop_database`` starts it again."""
    with new_folder() as folder, EmbeddedServer.start(folder / "postgres", durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def template_database(server: EmbeddedServer) -> str:
    async def make() -> None:
        await server.create_database(TEMPLATE)
        connection = await asyncpg.connect(server.url(TEMPLATE))
        await create_schema(connection)
        await connection.close()

    run_apart(make)
    return TEMPLATE


@pytest.fixture
def database_url(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    run_apart(lambda: server.create_database(name, template_database))
    yield server.url(name)
    run_apart(lambda: server.drop_database(name))


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    yield opened
    await opened.close()
