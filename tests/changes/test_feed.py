"""The feed in a living application: what it survives, what it says, and how often it asks."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from monitoring.changes import audit, feed, pace
from monitoring.changes.identity import identity_of
from monitoring.changes.pace import (
    LARGEST_SHARE,
    MAX_PAUSE_SECONDS,
    UNWATCHED_PAUSE_SECONDS,
    WATCHED_PAUSE_SECONDS,
    Pace,
)
from monitoring.changes.table_cursors import TableCursors
from monitoring.clock import SYSTEM_CLOCK
from monitoring.verify import verify
from tests.faults.page import Page, dashboard
from tests.faults.reader import READER, make_reader
from tests.history import seed_account
from tests.rows import insert, now
from tests.waiting import WAIT_SECONDS, until

FROM_SEVERAL_TABLES = ("risk_per_trade", "total_trades", "total_pnl", "current_balance", "equity", "max_drawdown")


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    await make_reader(connection)
    return await seed_account(connection)


@pytest.fixture
def reader_url(database_url: str) -> str:
    return database_url.replace("postgres@", f"{READER}@")


@pytest.fixture
async def page(account: int, reader_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    monkeypatch.setattr(feed, "SCHEMA_PAUSE_SECONDS", 0.2)
    async with dashboard(reader_url) as opened:
        await opened.shows("trade_filter", ">40<")
        await opened.is_fresh()
        yield opened


async def read_schema(page: Page) -> None:
    """As a page does whose query did not fit the schema any more."""
    async with page.parts.database.acquire() as held:
        await page.parts.database.read_schema(held)


async def test_a_right_is_taken_away_and_given_back(page: Page, connection: asyncpg.Connection, account: int) -> None:
    await connection.execute(f"REVOKE SELECT ON system_events FROM {READER}")
    await insert(connection, "trades", session_id=account, exit_time=now())
    await page.shows("trade_filter", ">41<")
    await page.shows("activity", "may not read the table system_events")
    await connection.execute(f"GRANT SELECT ON system_events TO {READER}")
    await page.shows("activity", "engine started")
    await insert(connection, "system_events", session_id=account, message="the disk hums")
    await page.shows("activity", "the disk hums")


async def test_a_migration_takes_a_column_away(page: Page, connection: asyncpg.Connection, account: int) -> None:
    await connection.execute("ALTER TABLE trades DROP COLUMN commission")
    number = await insert(connection, "trades", session_id=account, pnl=3, exit_time=now())
    await page.shows("trade_list", f'id="trade-{number}"')
    await page.is_fresh()
    assert not page.parts.database.capabilities.has("trades", "commission")


@pytest.mark.parametrize("finder", ["feed", "reader"])
async def test_a_migration_brings_a_table(
    page: Page, connection: asyncpg.Connection, account: int, finder: str
) -> None:
    await connection.execute("ALTER TABLE system_control_flags RENAME TO not_yet")
    await until(lambda: not page.parts.database.capabilities.has("system_control_flags"))
    await connection.execute("ALTER TABLE not_yet RENAME TO system_control_flags")
    if finder == "reader":
        await read_schema(page)
    await until(lambda: page.parts.database.capabilities.has("system_control_flags"))
    await insert(connection, "system_control_flags", name="system_halt", active=True, reason="smoke")
    await page.shows("alive", "smoke")


async def test_a_column_that_was_gone_for_a_moment_is_missed_by_nobody(
    page: Page, connection: asyncpg.Connection, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages found out, and read without it; the feed did not look meanwhile."""
    monkeypatch.setattr(feed, "SCHEMA_PAUSE_SECONDS", 3600.0)
    before = (await page.json("/api/metrics"))["total_pnl"]
    await connection.execute("ALTER TABLE trades RENAME COLUMN commission TO elsewhere")
    await insert(connection, "trades", session_id=account, pnl=0, exit_time=now())
    await until(lambda: not page.parts.database.capabilities.has("trades", "commission"))
    await connection.execute("ALTER TABLE trades RENAME COLUMN elsewhere TO commission")
    await read_schema(page)
    monkeypatch.setattr(feed, "SCHEMA_PAUSE_SECONDS", 0.2)

    async def is_as_before() -> bool:
        return bool((await page.json("/api/metrics")).get("total_pnl") == before)

    await until(is_as_before)


async def test_a_table_takes_the_place_of_another(page: Page, connection: asyncpg.Connection, account: int) -> None:
    """As some migrations do it: copy, drop, rename."""
    async with connection.transaction():
        await connection.execute("CREATE TABLE copy (LIKE trades INCLUDING ALL); INSERT INTO copy SELECT * FROM trades")
        await connection.execute("DROP TABLE trades CASCADE; ALTER TABLE copy RENAME TO trades")
        await connection.execute(f"UPDATE trades SET symbol = 'MOVED'; GRANT SELECT ON trades TO {READER}")
    await page.shows("trade_list", "MOVED")
    await page.is_fresh()


async def test_a_fault_that_nobody_foresaw_is_seen_and_survived(
    page: Page, connection: asyncpg.Connection, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(TableCursors, "read", broken)
        number = await insert(connection, "trades", session_id=account, pnl=3, exit_time=now())
        await until(lambda: page.parts.tasks.states["feed"].failures > 0)
        ready = await page.client.get("/ready")
        assert ready.status_code == 503
        state = page.parts.feed.state
        assert (state.mode, state.error) == ("disconnected", "unexpected ZeroDivisionError")
        assert page.parts.tasks.states["feed"].error == "ZeroDivisionError"
    await until(lambda: page.parts.feed.state.mode == "primary")
    await page.shows("trade_list", f'id="trade-{number}"')
    ready = await page.json("/ready")
    assert ready["ready"]
    assert ready["tasks"]["feed"]["failures"] > 0


async def test_news_survive_a_connection_that_dies_right_after_them(
    page: Page, connection: asyncpg.Connection, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows have been read and the watermark has moved: whoever must hear of them does."""
    struck, corrections = asyncio.Event(), TableCursors.corrections

    async def dies(watch: TableCursors, used: asyncpg.Connection) -> set[str]:
        if watch.cursors["trades"].watermark > 40 and not struck.is_set():
            struck.set()
            await connection.execute("SELECT pg_terminate_backend($1)", used.get_server_pid())
        return await corrections(watch, used)

    monkeypatch.setattr(feed, "CORRECTIONS_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(TableCursors, "corrections", dies)
    async with page.program() as told:
        number = await insert(connection, "trades", session_id=account, pnl=3, exit_time=now())
        await asyncio.wait_for(struck.wait(), WAIT_SECONDS)
        await page.shows("trade_list", f'id="trade-{number}"')
        await until(lambda: told == {number})


async def test_the_identity_is_read_without_special_rights(
    connection: asyncpg.Connection, account: int, reader_url: str
) -> None:
    reader = await asyncpg.connect(reader_url)
    complete = await identity_of(reader)
    try:
        await connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        assert await identity_of(reader) == replace(complete, system=None)
        assert (await verify(reader_url)).ok
    finally:
        await connection.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
        await reader.close()


async def test_a_table_that_may_not_be_read_is_named(
    connection: asyncpg.Connection, account: int, reader_url: str
) -> None:
    await connection.execute(f"REVOKE SELECT ON orders FROM {READER}")
    report = await verify(reader_url)
    assert not report.ok
    assert "the database role may not read the table orders" in report.text
    async with dashboard(reader_url) as page:
        await page.shows("trade_filter", ">40<")
        number = await insert(connection, "trades", session_id=account, exit_time=now())
        await page.shows("trade_list", f'id="trade-{number}"')
    await connection.execute(f"REVOKE SELECT ON trades FROM {READER}")
    report = await verify(reader_url)
    assert not report.ok
    assert "cannot work without: trades" in report.text


async def test_an_answer_holds_every_commit_though_nobody_looked(
    account: int, reader_url: str, connection: asyncpg.Connection
) -> None:
    async with dashboard(reader_url, followed=False) as page:
        await until(lambda: page.parts.feed.state.polls > 0)
        for total in (41, 42, 43):
            await insert(connection, "trades", session_id=account, exit_time=now())
            assert (await page.json("/api/metrics"))["total_trades"] == total


async def test_it_rests_when_nobody_looks_and_wakes_at_once(
    account: int, reader_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "UNWATCHED_PAUSE_SECONDS", 3600.0)
    async with dashboard(reader_url, followed=False) as page:
        state = page.parts.feed.state
        await until(lambda: state.polls > 0)
        before = state.polls
        await asyncio.sleep(20 * WATCHED_PAUSE_SECONDS)
        assert state.polls - before <= 1
        page.parts.feed.wake()
        await until(lambda: state.polls >= before + 5)


async def settled(*spent: float) -> Pace:
    """After polls that worked for so many seconds."""
    pace = Pace(SYSTEM_CLOCK)
    pace.nudge()
    for seconds in spent:
        await pace.pause(seconds, watched=False)
        pace.nudge()
    return pace


async def test_the_pause_grows_with_what_a_poll_costs() -> None:
    assert Pace(SYSTEM_CLOCK).seconds(watched=True) == WATCHED_PAUSE_SECONDS
    assert Pace(SYSTEM_CLOCK).seconds(watched=False) == UNWATCHED_PAUSE_SECONDS
    dear = await settled(0.01, 0.01)
    assert dear.seconds(watched=True) == pytest.approx(0.01 / LARGEST_SHARE - 0.01)
    dearest = await settled(3.0, 3.0)
    assert dearest.seconds(watched=True) == MAX_PAUSE_SECONDS < UNWATCHED_PAUSE_SECONDS


async def test_one_poll_that_waited_for_a_lock_slows_nothing_down() -> None:
    assert (await settled(0.0, 0.2)).seconds(watched=True) == WATCHED_PAUSE_SECONDS


async def test_it_is_quick_again_as_soon_as_polls_are_cheap() -> None:
    assert (await settled(0.2, 0.2, 0.2, 0.0, 0.0)).seconds(watched=True) == WATCHED_PAUSE_SECONDS


async def test_a_correction_that_no_counter_counts(
    page: Page, connection: asyncpg.Connection, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PROCESSOR_SHARE", 1.0)
    await until(lambda: page.parts.feed.audit.rounds > 0)
    await connection.execute("SET track_counts = off")
    before = (await page.json("/api/metrics"))["total_pnl"]
    await connection.execute("UPDATE trades SET pnl = pnl + 1000 WHERE id = 1")

    async def is_corrected() -> bool:
        return bool((await page.json("/api/metrics"))["total_pnl"] == pytest.approx(before + 1000))

    await until(is_corrected)
    assert (await page.json("/ready"))["feed"]["audit_round_seconds"] > 0


@pytest.mark.parametrize("table", ["trades", "positions", "orders", "account_history", "account_balances"])
async def test_a_table_renamed_away_and_back(
    page: Page, connection: asyncpg.Connection, account: int, table: str
) -> None:
    position = await insert(connection, "positions", session_id=account, status="CLOSED", entry_price=100, stop_loss=90)
    await insert(connection, "orders", session_id=account, position_id=position, order_type="STOP_LOSS", price=95)
    number = await insert(
        connection, "trades", session_id=account, position_id=position, entry_price=100, exit_time=now()
    )
    await page.shows("trade_list", f'id="trade-{number}"')
    before = await page.json("/api/metrics")
    assert all(before[key] is not None for key in FROM_SEVERAL_TABLES)
    await connection.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    await until(lambda: not page.parts.database.capabilities.has(table))
    await page.json("/api/metrics")
    await connection.execute(f"ALTER TABLE elsewhere RENAME TO {table}")

    async def is_as_before() -> bool:
        found = await page.json("/api/metrics")
        return all(found.get(key) == before[key] for key in FROM_SEVERAL_TABLES)

    await until(is_as_before)
