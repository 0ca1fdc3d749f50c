"""A dashboard that is stopped ends quickly, and a write under way is either made and answered, or not made."""

import asyncio
import signal
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from tests.faults.page import ENVIRON, OPERATOR
from tests.history import seed_account
from tests.running import Dashboard, run_dashboard
from tests.waiting import WAIT_SECONDS, until, waiting

BALANCES = "SELECT count(*) FROM account_balances"


@pytest.fixture
async def running(connection: asyncpg.Connection, database_url: str) -> AsyncIterator[Dashboard]:
    await seed_account(connection)
    async with run_dashboard("--db-url", database_url, **ENVIRON) as dashboard:
        yield dashboard


async def post(dashboard: Dashboard) -> httpx.Response:
    async with httpx.AsyncClient(timeout=WAIT_SECONDS) as client:
        wish = {"balance": 12_345, "reason": "test"}
        return await client.post(f"{dashboard.url}/api/balance", json=wish, headers=OPERATOR)


async def waits_for_a_lock(connection: asyncpg.Connection) -> None:
    """Waits until the dashboard's write waits for the row that the engine has locked."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'atb-monitoring' AND wait_event_type = 'Lock'"
    )
    await until(lambda: connection.fetchval(waiting))


async def refuses_newcomers(dashboard: Dashboard) -> None:
    """Waits until the dashboard no longer listens, which is how it begins to stop."""
    async with httpx.AsyncClient(timeout=WAIT_SECONDS) as client, waiting():
        while True:
            try:
                await client.get(f"{dashboard.url}/health", headers={"Connection": "close"})
            except httpx.TransportError:
                return


async def test_a_write_that_can_be_made_is_made_and_answered(
    running: Dashboard, connection: asyncpg.Connection, database_url: str
) -> None:
    engine = await asyncpg.connect(database_url)
    before = await connection.fetchval(BALANCES)
    booking = engine.transaction()
    await booking.start()
    await engine.execute("SELECT 1 FROM account_balances ORDER BY id DESC LIMIT 1 FOR UPDATE")
    writing = asyncio.create_task(post(running))
    await waits_for_a_lock(connection)
    running.process.send_signal(signal.SIGTERM)
    await refuses_newcomers(running)
    await booking.commit()
    answer = await writing
    assert answer.status_code == 200
    assert answer.json()["new_balance"] == 12_345
    assert await connection.fetchval(BALANCES) == before + 1
    assert await asyncio.wait_for(running.process.wait(), WAIT_SECONDS) == 0
    await engine.close()


async def test_a_write_that_cannot_be_made_is_not_made(
    running: Dashboard, connection: asyncpg.Connection, database_url: str
) -> None:
    engine = await asyncpg.connect(database_url)
    before = await connection.fetchval(BALANCES)
    async with engine.transaction():
        await engine.execute("SELECT 1 FROM account_balances ORDER BY id DESC LIMIT 1 FOR UPDATE")
        writing = asyncio.create_task(post(running))
        await waits_for_a_lock(connection)
        running.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.process.wait(), WAIT_SECONDS) == 0
        outcome = (await asyncio.gather(writing, return_exceptions=True))[0]
    assert isinstance(outcome, httpx.HTTPError) or outcome.status_code >= 400
    assert await connection.fetchval(BALANCES) == before
    await engine.close()
