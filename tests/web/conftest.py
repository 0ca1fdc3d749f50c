"""The application over a real database, as a test client sees it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.app import create_app
from monitoring.config import load_settings
from tests.rows import ago, insert
from tests.secrets import SECRETS, TOKEN
from tests.stories import seed_bot

OPERATOR = {"X-Dashboard-Token": TOKEN}


@pytest.fixture
def environ(database_url: str) -> dict[str, str]:
    """Environment the application is configured from; tests add to it before they ask for ``app``."""
    return {"DATABASE_URL": database_url, **SECRETS}


@pytest.fixture
async def app(environ: dict[str, str]) -> AsyncIterator[Quart]:
    """The running application, its background tasks included."""
    app = create_app(load_settings(environ))
    async with app.test_app():
        yield app


@pytest.fixture
def client(app: Quart) -> Any:
    return app.test_client()


@pytest.fixture
def operator() -> dict[str, str]:
    return dict(OPERATOR)


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    """A session that began forty days ago with 1000."""
    return await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=40))


@pytest.fixture
async def booked(connection: asyncpg.Connection, session: int) -> int:
    """A session with a balance of 1000.5 USDT."""
    await insert(
        connection,
        "account_balances",
        session_id=session,
        total_balance=Decimal("1000.5"),
        base_currency="USDT",
        last_updated=ago(minutes=5),
    )
    return session


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    return await seed_bot(connection)
