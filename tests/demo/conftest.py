"""A database with a history that the demo's bots go on from."""

import asyncpg
import pytest

from monitoring.demo.past import seed_history
from tests.demo.life import Life, alive
from tests.rows import now


@pytest.fixture
async def seeded(connection: asyncpg.Connection) -> asyncpg.Connection:
    """A database with four days of history."""
    await seed_history(connection, now(), lambda done, what: None, days=4)
    return connection


@pytest.fixture
async def life(seeded: asyncpg.Connection) -> Life:
    return await alive(seeded)
