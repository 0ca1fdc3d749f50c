"""Fixtures of the tests of projections."""

from datetime import timedelta

import asyncpg
import pytest

from tests.clocks import AN_AFTERNOON
from tests.projections.world import INITIAL
from tests.rows import insert


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    """A LIVE one."""
    start = AN_AFTERNOON - timedelta(days=5)
    return await insert(connection, "trading_sessions", mode="LIVE", initial_balance=INITIAL, start_time=start)
