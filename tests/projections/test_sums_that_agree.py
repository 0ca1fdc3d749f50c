"""Sums that must agree, whatever happens to a bot whose books are complete."""

import math

import asyncpg
import pytest

from monitoring.scope import Scope
from monitoring.scope_key import CURRENT
from monitoring.sections import calendar, realised
from tests.clocks import Calendar
from tests.faults.page import dashboard
from tests.projections.honest_engine import HonestEngine

DEEDS = 40


async def live_through(connection: asyncpg.Connection, url: str, seed: int) -> None:
    hands = Calendar()
    engine = HonestEngine(connection, hands, seed)
    await engine.begin()
    for _ in range(DEEDS):
        await engine.act()
    hands.forward(minutes=70)
    await engine.snapshot()
    async with dashboard(url, followed=False, clock=hands.clock) as page:
        await page.parts.feed.caught_up()
        await page.parts.projections.settle()
        metrics = await page.json("/api/metrics")
        session = await page.parts.reader.session(CURRENT)
        assert session is not None
        scope = Scope(session, CURRENT, range="all")
        bars = await page.parts.reader.read(scope, realised.load)
        months = await page.parts.reader.read(scope, calendar.load)
    assert metrics["unexplained"] == pytest.approx(0, abs=0.005), f"seed {seed}"
    assert float(sum(bar.net for bar in bars.bars)) == pytest.approx(metrics["total_pnl"])
    growths = [1 + percent / 100 for _, percent in months.months]
    assert (math.prod(growths) - 1) * 100 == pytest.approx(metrics["total_return"])


@pytest.mark.parametrize("seed", range(2))
async def test_sums_of_complete_books(connection: asyncpg.Connection, database_url: str, seed: int) -> None:
    await live_through(connection, database_url, seed)


@pytest.mark.audit
@pytest.mark.parametrize("seed", range(2, 102))
async def test_sums_of_many_complete_books(connection: asyncpg.Connection, database_url: str, seed: int) -> None:
    await live_through(connection, database_url, seed)
