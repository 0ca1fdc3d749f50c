"""Whatever happens to a bot's rows, every figure equals the plain one: as the commits come, and read from scratch."""

from collections.abc import AsyncIterator, Collection

import asyncpg
import pytest

from tests.clocks import Calendar
from tests.faults.page import Page, dashboard
from tests.projections.alerts_asked import check_alerts
from tests.projections.asking import Answers, Seen, check, check_versions, same
from tests.projections.chain_reference import read_rows
from tests.projections.engine_life import EngineLife
from tests.waiting import waiting

DEEDS = 60


@pytest.fixture
async def late(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    yield opened
    await opened.close()


async def live_through(
    connection: asyncpg.Connection, late: asyncpg.Connection, url: str, seed: int, left_out: Collection[int] = (),
    deeds: int = DEEDS,
) -> None:  # fmt: skip
    """One history; looks come after a random number of deeds, and polls at moments of their own."""
    hands = Calendar()
    seen: Seen = {}
    life = EngineLife(connection, late, hands, seed, left_out)
    try:
        async with dashboard(url, followed=False, clock=hands.clock) as page:
            for _ in range(deeds):
                await life.act()
                if life.dice.random() < 0.3:
                    await page.parts.feed.caught_up()
                if life.dice.random() < 0.1:
                    await check_versions(page, await look(page, life), seen)
            await life.end()
            followed = await look(page, life)
        async with dashboard(url, followed=False, clock=hands.clock) as page:
            await caught_up(page)
            same("both", "what is said", await check(page, await read_rows(connection), life.now), followed)
    except AssertionError as error:
        error.add_note(f"seed {seed}, deeds so far: {' '.join(life.deeds)}")
        raise


async def look(page: Page, life: EngineLife) -> dict[str, Answers]:
    """After as long as corrections and bots that fell silent may go unnoticed."""
    await caught_up(page)
    life.hands.wait(6)
    rows = await read_rows(life.connection)
    for minutes in (0, *life.dice.choice(((), (), (4, 20), (200,), (12_000,)))):
        life.hands.wait(minutes * 60)
        await moved_on(page)
        await check_alerts(page, rows, life.now)
    return await check(page, rows, life.now)


async def moved_on(page: Page) -> None:
    """What time alone changes is noticed."""
    await caught_up(page)
    if page.parts.reader.time_moved_sessions():
        page.parts.dispatcher.sessions_moved()


async def caught_up(page: Page) -> None:
    """However long that takes: of two polls that end from now on, one began after this call."""
    feed, projections = page.parts.feed, page.parts.projections
    wanted = feed.state.polls + 2
    async with waiting():
        while feed.state.polls < wanted or projections.backfill.active:
            await feed.caught_up()
            await projections.settle()


@pytest.mark.parametrize("seed", range(4))
async def test_every_figure_of_every_bot(
    connection: asyncpg.Connection, late: asyncpg.Connection, database_url: str, seed: int
) -> None:
    await live_through(connection, late, database_url, seed)


@pytest.mark.audit
@pytest.mark.parametrize("seed", [*range(4, 8), *range(100, 300)])
async def test_every_figure_of_many_more_bots(
    connection: asyncpg.Connection, late: asyncpg.Connection, database_url: str, seed: int
) -> None:
    await live_through(connection, late, database_url, seed)
