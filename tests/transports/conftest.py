"""A Socket.IO server, and its log."""

import logging
from collections.abc import AsyncIterator

import pytest

from tests.transports.bare import Bare, serving


@pytest.fixture
async def bare() -> AsyncIterator[Bare]:
    async with serving() as made:
        yield made


@pytest.fixture
def quiet_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Of which a test may ask whether anything went wrong."""
    for name in ("engineio.server", "socketio.server", "uvicorn.error", "websockets"):
        logging.getLogger(name).setLevel(logging.INFO)
    caplog.set_level(logging.INFO)
    return caplog
