"""Lives through a history that is written at random, and holds what the dashboard says against the plain figures."""

import random
from typing import Protocol

import asyncpg

from tests.clocks import Calendar
from tests.faults.page import Page, dashboard
from tests.projections.alerts_asked import check_alerts
from tests.projections.asking import Answers, Seen, check, check_versions, same
from tests.projections.chain_reference import Kinds, read_rows
from tests.waiting import waiting


class Life(Protocol):
    """Who writes the rows."""

    connection: asyncpg.Connection
    hands: Calendar
    dice: random.Random
    deeds: list[str]
    """What was done, for whoever looks for the shortest history that fails."""
    kinds: Kinds

    async def act(self) -> None: ...

    async def end(self) -> None:
        """Commits what is still open."""


async def live_through(life: Life, url: str, deeds: int, **environ: str) -> None:
    """One history; looks come after a random number of deeds, and polls at moments of their own."""
    seen: Seen = {}
    try:
        async with dashboard(url, followed=False, clock=life.hands.clock, **environ) as page:
            for _ in range(deeds):
                await life.act()
                if life.dice.random() < 0.3:
                    await page.parts.feed.caught_up()
                if life.dice.random() < 0.1:
                    await check_versions(page, await look(page, life), seen)
            await life.end()
            followed = await look(page, life)
        async with dashboard(url, followed=False, clock=life.hands.clock, **environ) as page:
            await caught_up(page)
            rows = await read_rows(life.connection)
            same("both", "what is said", await check(page, rows, life.hands.now, life.kinds), followed)
    except AssertionError as error:
        error.add_note(f"deeds so far: {' '.join(life.deeds)}")
        raise


async def look(page: Page, life: Life) -> dict[str, Answers]:
    """After as long as corrections and bots that fell silent may go unnoticed."""
    await caught_up(page)
    life.hands.wait(6)
    rows = await read_rows(life.connection)
    for minutes in (0, *life.dice.choice(((), (), (4, 20), (200,), (12_000,)))):
        life.hands.wait(minutes * 60)
        await _moved_on(page)
        await check_alerts(page, rows, life.hands.now, life.kinds)
    return await check(page, rows, life.hands.now, life.kinds)


async def _moved_on(page: Page) -> None:
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
