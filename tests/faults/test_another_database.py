"""Another database appears at the same address: nothing of the old one stays on the page."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import asyncpg
import pytest

from monitoring.changes import name_check
from monitoring.database import pool
from monitoring.database.pool import DatabaseUnavailable
from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.page import Page, dashboard
from tests.faults.reader import READER
from tests.faults.replica import caught_up, promote, standby_of
from tests.faults.test_outages import trades_on
from tests.faults.wire import Wire, wire_to
from tests.rows import insert, now
from tests.waiting import until

LOOK = pool.Database.look


@pytest.fixture
async def database(connection: asyncpg.Connection) -> str:
    return str(await connection.fetchval("SELECT current_database()"))


@pytest.fixture
async def standby(account: int, server: EmbeddedServer) -> AsyncIterator[EmbeddedServer]:
    async with standby_of(server) as running:
        yield running


async def test_failed_over_behind_one_name(
    standby: EmbeddedServer, page: Page, wire: Wire, database: str, account: int
) -> None:
    """The old primary goes on running, with its connections; new connections reach the new one."""
    await promote(standby)
    wire.target = standby.url(database)
    for link in list(wire.links)[1:]:
        link.reset()
    await page.parts.database.lost()
    await page.client.get("/api/trades")
    await trades_on(page, standby.url(database), account)


async def test_a_name_that_moves_is_followed_while_its_link_lives(
    standby: EmbeddedServer,
    page: Page,
    wire: Wire,
    database: str,
    account: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing breaks: the old primary goes on answering. Once its successor is known, it is not followed any more."""
    monkeypatch.setattr(name_check, "PAUSE_SECONDS", 0.2)
    wire.target, old = standby.url(database), wire.target
    for link in list(wire.links):
        link.reset()
    await until(lambda: page.parts.feed.state.mode == "standby")
    wire.target = old
    await until(lambda: page.parts.feed.state.mode == "primary")
    await promote(standby)
    wire.target = standby.url(database)
    await trades_on(page, standby.url(database), account)
    wire.target = old
    for link in list(wire.links):
        link.reset()
    await until(lambda: "replaced" in page.parts.feed.state.how)
    wire.target = standby.url(database)
    await trades_on(page, standby.url(database), account)


async def test_a_name_of_several_standbys(
    standby: EmbeddedServer, server: EmbeddedServer, wire: Wire, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each connection it leads to another one: the one that is followed stays, and nothing is read again."""
    monkeypatch.setattr(name_check, "PAUSE_SECONDS", 0.1)
    looks: list[object] = []

    async def look(self: pool.Database, read: Any) -> Any:
        looks.append(await LOOK(self, read))
        return looks[-1]

    monkeypatch.setattr(pool.Database, "look", look)
    wire.target = standby.url(database)
    async with standby_of(server) as second, dashboard(wire.url(READER)) as page:
        await page.shows("trade_filter", ">40<")
        feed, generation = page.parts.feed, page.parts.projections.trades.generation
        wire.target = second.url(database)
        seen = len(looks)
        await until(lambda: len(looks) > seen + 3)
        await page.client.get("/api/trades")
        assert feed.state.gone_since is None
        assert page.parts.projections.trades.generation == generation


async def test_failed_over_to_another_host(standby: EmbeddedServer, wire: Wire, database: str, account: int) -> None:
    async with wire_to(standby.url(database)) as second:
        hosts = f"postgresql://{READER}@127.0.0.1:{wire.port},127.0.0.1:{second.port}/{database}"
        async with dashboard(hosts) as page:
            await page.shows("trade_filter", ">40<")
            await promote(standby)
            await wire.refuse()
            await trades_on(page, standby.url(database), account)


async def test_a_preferred_host_that_returns_gets_all_readers(
    standby: EmbeddedServer,
    server: EmbeddedServer,
    wire: Wire,
    database: str,
    account: int,
    connection: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Feed and readers must not look at different servers: one that lags would hide what the other announced."""
    # More than a page and the scans open for themselves.
    monkeypatch.setattr(pool, "POOL_CONNECTION_COUNT", 12)
    async with wire_to(standby.url(database)) as preferred:
        await preferred.refuse()
        hosts = f"postgresql://{READER}@127.0.0.1:{preferred.port},127.0.0.1:{wire.port}/{database}"
        async with dashboard(hosts) as page:
            await page.shows("trade_filter", ">40<")
            assert page.parts.feed.state.mode == "primary"
            await preferred.listen()
            async with AsyncExitStack() as held:
                # More readers than there are connections so far: the new ones lead to the preferred host.
                with suppress(DatabaseUnavailable):
                    for _ in range(pool.POOL_CONNECTION_COUNT):
                        await held.enter_async_context(page.parts.database.acquire())
            await until(lambda: page.parts.feed.state.mode == "standby")
            number = await insert(connection, "trades", session_id=account, pnl=7, exit_time=now())
            await caught_up(server, standby)
            await page.shows("trade_list", f'id="trade-{number}"')


async def test_a_standby_promoted_under_our_connection(standby: EmbeddedServer, database: str, account: int) -> None:
    async with dashboard(standby.url(database).replace("postgres@", f"{READER}@")) as page:
        await page.shows("trade_filter", ">40<")
        assert (await page.json("/api/status"))["feed"]["mode"] == "standby"
        await promote(standby)
        await until(lambda: page.parts.feed.state.mode == "primary")
        await trades_on(page, standby.url(database), account)


async def test_a_dump_restored_in_its_place(
    page: Page, server: EmbeddedServer, template_database: str, database: str, connection: asyncpg.Connection
) -> None:
    """Dropped and made again, with one session and three trades."""
    await server.drop_database(database)
    await server.create_database("restored", template_database)
    restored = await asyncpg.connect(server.url("restored"))
    session = await insert(restored, "trading_sessions", mode="PAPER", session_name="restored", strategy_name="phoenix")
    for _ in range(3):
        await insert(restored, "trades", session_id=session, pnl=5, commission=0, exit_time=now())
    await restored.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}")
    await restored.close()
    await server.rename_database("restored", database)
    await page.shows("state", "phoenix")
    await page.is_fresh()
    assert (await page.json("/api/metrics"))["total_trades"] == 3
    assert (await page.json("/api/metrics"))["total_pnl"] == 15


async def test_a_snapshot_of_the_disk_put_back(page: Page, server: EmbeddedServer, database: str, account: int) -> None:
    """System, database and timeline are the same, so nothing in it says that it is older."""
    copy = server.data_dir / "snapshot"
    await asyncio.to_thread(server.stop_database)
    await asyncio.to_thread(subprocess.run, ["cp", "-a", f"{server.cluster}/.", copy], check=True)
    await asyncio.to_thread(server.start_database)
    await page.is_fresh()
    engine = await asyncpg.connect(server.url(database))
    lost = [await insert(engine, "trades", session_id=account, pnl=1000, exit_time=now()) for _ in range(5)]
    await page.shows("trade_list", f'id="trade-{lost[-1]}"')
    await engine.close()
    await asyncio.to_thread(server.stop_database)
    shutil.rmtree(server.cluster)
    shutil.move(copy, server.cluster)
    await asyncio.to_thread(server.start_database)
    await page.hides("trade_list", f'id="trade-{lost[-1]}"')
    await page.answers("/api/metrics")
    assert (await page.json("/api/metrics"))["total_trades"] == 40
    await trades_on(page, server.url(database), account)


async def test_tables_emptied_and_filled_again(page: Page, connection: asyncpg.Connection, account: int) -> None:
    """A dump restored into the living database: ids begin again below all that were read."""
    async with connection.transaction():
        await connection.execute("TRUNCATE trades RESTART IDENTITY CASCADE")
        first = await insert(connection, "trades", session_id=account, pnl=-3, commission=0, exit_time=now())
    assert first == 1
    await page.shows("trade_list", f'id="trade-{first}"')
    await page.hides("trade_list", 'id="trade-40"')
    assert (await page.json("/api/metrics"))["total_trades"] == 1
    second = await insert(connection, "trades", session_id=account, pnl=-3, commission=0, exit_time=now())
    await page.shows("trade_list", f'id="trade-{second}"')
    assert (await page.json("/api/metrics"))["total_pnl"] == -6
