"""A list of thousands of bots that ended is read in few statements, whatever their books say."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.bots.life import Life, ago
from tests.projections.histories import caught_up

BOTS = 40


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every query of the dashboard; to be emptied."""
    queries: list[str] = []
    connect = asyncpg.connect

    async def listening(*arguments: Any, **options: Any) -> asyncpg.Connection:
        connection = await connect(*arguments, **options)
        connection.add_query_logger(lambda record: queries.append(record.query))
        return connection

    monkeypatch.setattr(asyncpg, "connect", listening)
    return queries


async def test_ended_bots_are_read_together(
    connection: asyncpg.Connection, database_url: str, asked: list[str]
) -> None:
    life = Life(connection, database_url)
    for number in range(BOTS):
        begun = ago(days=90 - number)
        bot = await life.session(begun, 1000, f"bot {number}", symbol=f"MARKET{number}")
        await life.end(bot, begun + timedelta(hours=9))
        await life.history(bot, begun + timedelta(hours=8), 1000, 1000, 900 if number % 2 else 1000)
    async with life.opened() as page:
        await caught_up(page)
        await page.json("/api/metrics")
        asked.clear()
        alerts = [bot["alerts"] for bot in await page.json("/api/bots")]
    assert sorted(alerts) == [0] * (BOTS // 2) + [1] * (BOTS // 2)
    assert 0 < len(asked) < BOTS
