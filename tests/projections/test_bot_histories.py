"""Whatever happens to a bot's rows, every figure equals the plain one: as the commits come, and read from scratch."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.clocks import Calendar
from tests.projections.engine_life import EngineLife
from tests.projections.histories import live_through
from tests.projections.money_engine import MoneyEngine

DEEDS = 60


@pytest.fixture
async def late(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    yield opened
    await opened.close()


@pytest.mark.parametrize("seed", range(2))
async def test_every_figure_of_every_bot(
    connection: asyncpg.Connection, late: asyncpg.Connection, database_url: str, seed: int
) -> None:
    await live_through(EngineLife(connection, late, Calendar(), seed), database_url, DEEDS)


@pytest.mark.audit
@pytest.mark.parametrize("seed", [*range(2, 8), *range(100, 300)])
async def test_every_figure_of_many_more_bots(
    connection: asyncpg.Connection, late: asyncpg.Connection, database_url: str, seed: int
) -> None:
    await live_through(EngineLife(connection, late, Calendar(), seed), database_url, DEEDS)


async def spend(connection: asyncpg.Connection, url: str, folder: Path, seed: int) -> None:
    """The operator has said in time what some of the corrections will have been."""
    engine = MoneyEngine(connection, Calendar(), seed)
    file = folder / "monitoring.toml"
    file.write_text(engine.config)
    await engine.begin()
    await live_through(engine, url, DEEDS, MONITORING_CONFIG=str(file))


@pytest.mark.parametrize("seed", range(2))
async def test_money_that_comes_and_goes(
    connection: asyncpg.Connection, database_url: str, tmp_path: Path, seed: int
) -> None:
    await spend(connection, database_url, tmp_path, seed)


@pytest.mark.audit
@pytest.mark.parametrize("seed", range(2, 302))
async def test_money_of_many_more_histories(
    connection: asyncpg.Connection, database_url: str, tmp_path: Path, seed: int
) -> None:
    await spend(connection, database_url, tmp_path, seed)
