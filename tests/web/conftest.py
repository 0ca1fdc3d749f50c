"""The application over a real database, as a test client sees it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart

from monitoring.app import create_app
from monitoring.config import load_settings
from tests.secrets import SECRETS, TOKEN

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
