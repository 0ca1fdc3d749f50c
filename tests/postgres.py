"""One real PostgreSQL a test run, one fresh database with the engine's schema a test."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from monitoring.database.schema import create_schema
from monitoring.postgres.embedded import EmbeddedServer
from tests.apart import run_apart

TEMPLATE = "template_engine"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The run's PostgreSQL. Who stops it with ``stop_database`` starts it again."""
    # Not pytest's own folder: that is closed to the account which PostgreSQL runs as under root.
    folder = Path(tempfile.mkdtemp(prefix="atb-tests-"))
    with EmbeddedServer.start(folder / "postgres", durable=False) as running:
        yield running
    shutil.rmtree(folder)


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
