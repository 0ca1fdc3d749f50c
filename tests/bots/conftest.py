"""Fixtures of the tests of bots."""

import asyncpg
import pytest

from tests.bots.life import Life


@pytest.fixture
def life(connection: asyncpg.Connection, database_url: str) -> Life:
    return Life(connection, database_url)
