"""In the end the page shows what the database holds, however it was written and however it was reached."""

import asyncio
from datetime import datetime

import asyncpg
import pytest

from monitoring.changes import audit
from monitoring.clock import Clock
from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.bot import Bot
from tests.faults.page import Page, ageless, dashboard
from tests.faults.ways import DIRECTLY, way_to, ways
from tests.rows import insert
from tests.waiting import until

WRITERS = 6


async def writers(url: str, session: int, at: datetime, transactions: int) -> list[int]:
    """Runs several bots at once. Returns the ids of the trades that exist in the end."""

    async def one(seed: int) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("SET synchronous_commit = on")
        bot = Bot(connection, session, at, seed)
        await bot.work(transactions)
        await bot.correct_history().work(transactions)
        await connection.close()  # which makes the server count its updates at once

    await asyncio.gather(*(one(seed) for seed in range(WRITERS)))
    connection = await asyncpg.connect(url)
    ids = [row["id"] for row in await connection.fetch("SELECT id FROM trades WHERE session_id = $1", session)]
    await connection.close()
    return ids


async def assert_true(page: Page, url: str) -> None:
    """Waits until the page equals one that is opened now over a direct connection."""
    async with dashboard(url, clock=page.parts.clock) as fresh:
        await fresh.is_fresh()
        for name, fragment in fresh.fragments.items():
            await page.equals(name, ageless(fragment))
        assert await page.json("/api/metrics") == await fresh.json("/api/metrics")


async def test_a_sessions_own_row_changes(
    account: int, connection: asyncpg.Connection, database_url: str, stopped_clock: Clock
) -> None:
    """No other commit follows that would make the dashboard read again."""
    async with dashboard(database_url, clock=stopped_clock) as page:
        await page.is_fresh()
        await connection.execute("UPDATE trading_sessions SET initial_balance = 5000, strategy_name = 'renamed'")
        await page.shows("state", "renamed")
        await assert_true(page, database_url)


@pytest.mark.parametrize("way", ways(DIRECTLY))
async def test_fuzz(
    way: str,
    account: int,
    server: EmbeddedServer,
    database_url: str,
    connection: asyncpg.Connection,
    stopped_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, "PROCESSOR_SHARE", 1.0)  # on a standby nothing but this finds corrections
    await insert(connection, "system_control_flags")
    async with way_to(database_url, way, server) as url, dashboard(url, clock=stopped_clock) as page:
        await page.shows("trade_filter", ">40<")
        async with page.program() as told:
            ids = await writers(database_url, account, stopped_clock.now(), 40)
            await assert_true(page, database_url)
            await until(lambda: set(ids) - told <= set(range(1, 41)))
        assert page.parts.feed.state.error is None


async def test_a_table_that_goes_during_an_outage_is_unknown(
    account: int, connection: asyncpg.Connection, database_url: str, stopped_clock: Clock
) -> None:
    """When the connection is back the table is gone, so that no change can be noticed in it."""
    await insert(connection, "positions", session_id=account)
    async with dashboard(database_url, clock=stopped_clock) as page:
        metrics = await page.json("/api/metrics")
        assert metrics["active_positions_count"] > 0
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid(); ALTER TABLE positions RENAME TO elsewhere"
        )

        async def unknown() -> bool:
            # Until the database is back, a call is answered with an error alone.
            answer = await page.json("/api/metrics")
            return answer.get("active_positions_count", "away") is None

        await until(unknown)
