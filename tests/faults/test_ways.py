"""Every kind of change reaches the page by itself, on every way to the database, with no right but SELECT."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from monitoring.changes import audit
from monitoring.postgres.embedded import EmbeddedServer
from monitoring.verify import verify
from tests.faults.page import Page, dashboard
from tests.faults.ways import POOLED, STANDBY, way_to, ways
from tests.rows import ago, insert, now

COUNT_NOW = "SELECT pg_stat_force_next_flush()"
"""Makes the server count the updates of its session now; without it that takes up to ten seconds."""
UNTOUCHED = {
    "default_transaction_read_only": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


@dataclass
class View:
    """A page whose dashboard connects in one of the ways, and the engine at the primary."""

    way: str
    url: str
    page: Page
    engine: asyncpg.Connection
    account: int


@pytest.fixture(params=ways(POOLED, STANDBY))
async def view(
    request: pytest.FixtureRequest,
    account: int,
    server: EmbeddedServer,
    database_url: str,
    connection: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[View]:
    monkeypatch.setattr(audit, "PROCESSOR_SHARE", 1.0)  # on a standby nothing but this finds corrections
    await connection.execute("SET synchronous_commit = on")
    await insert(connection, "system_control_flags", name="system_halt", active=False)
    async with way_to(database_url, request.param, server) as url, dashboard(url) as page:
        await page.shows("trade_filter", ">40<")
        await page.is_fresh()
        yield View(request.param, url, page, connection, account)


async def test_every_change_shows(view: View) -> None:
    await new_and_changed_rows(view)
    await corrections(view)
    await sessions(view)
    await says_what_is_in_force(view)
    if "PgBouncer" in view.way:
        await nothing_is_left_at_the_pooler(view)
    assert view.page.parts.feed.state.error is None


async def new_and_changed_rows(view: View) -> None:
    page, engine = view.page, view.engine
    number = await insert(engine, "trades", session_id=view.account, pnl=5, exit_time=now())
    await page.shows("trade_list", f'id="trade-{number}"')
    await engine.execute("UPDATE positions SET current_price = 54321 WHERE status = 'OPEN'")
    await page.shows("open_positions", "54,321")
    await engine.execute("UPDATE system_control_flags SET active = true, reason = 'smoke in the server room'")
    await page.shows("alive", "smoke in the server room")
    await engine.execute("UPDATE system_control_flags SET active = false")
    await page.shows("state", "Online")
    await insert(engine, "system_events", session_id=view.account, severity="warning", message="the disk hums")
    await page.shows("activity", "the disk hums")
    await engine.execute("UPDATE positions SET status = 'CLOSED'")
    await page.hides("open_positions", "54,321")


async def corrections(view: View) -> None:
    page, engine = view.page, view.engine
    await engine.execute("UPDATE trades SET symbol = 'CORRECTED' WHERE id = 39")
    await engine.execute(COUNT_NOW)
    await page.shows("trade_list", "CORRECTED")
    await engine.execute("DELETE FROM trades WHERE id = 39")
    await engine.execute(COUNT_NOW)
    await page.hides("trade_list", 'id="trade-39"')
    await engine.execute("TRUNCATE trades CASCADE")
    await page.hides("trade_list", 'id="trade-40"')


async def sessions(view: View) -> None:
    page, engine = view.page, view.engine
    await engine.execute("UPDATE trading_sessions SET end_time = $1", now())
    await page.shows("state", "Ended")
    await engine.execute("UPDATE trading_sessions SET end_time = $1", ago(minutes=20))
    await insert(engine, "trading_sessions", mode="LIVE", strategy_name="phoenix", start_time=now())
    await page.shows("state", "phoenix")


async def says_what_is_in_force(view: View) -> None:
    said = (await view.page.json("/api/status"))["feed"]
    report = await verify(view.url)
    standby, pooled = "standby" in view.way, "PgBouncer" in view.way
    assert report.ok
    assert "reading only" in report.text
    assert said["mode"] == ("standby" if standby else "primary")
    for words in (said["how"], report.text):
        assert ("pg_last_wal_replay_lsn()" if standby else "pg_current_snapshot()") in words
        assert ("through a pooler" in words) is pooled
        assert ("does not count" in words) is standby


async def nothing_is_left_at_the_pooler(view: View) -> None:
    """PgBouncer gives our server connections to other clients, which must find them unchanged."""
    await asyncio.gather(*(view.page.client.get("/api/metrics") for _ in range(8)))
    other = await asyncpg.connect(view.url, statement_cache_size=0)
    for setting, untouched in UNTOUCHED.items():
        assert await other.fetchval(f"SHOW {setting}") == untouched
    assert await other.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''") == 0
    await other.close()
