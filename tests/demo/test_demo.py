import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from monitoring.demo import DATABASE, default_demo_dir, demo_database
from monitoring.postgres.embedded import EmbeddedError, EmbeddedServer
from tests.folders import new_folder
from tests.waiting import waiting

SPEED = 1_000
STATE = """
SELECT (SELECT max(id) FROM trading_sessions WHERE mode = 'LIVE') AS session, (SELECT count(*) FROM trades) AS trades,
       (SELECT max(id) FROM account_history) AS newest
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with new_folder() as made:
        yield made / "demo"


async def state(url: str) -> asyncpg.Record:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchrow(STATE)
    finally:
        await connection.close()


async def lives(url: str) -> None:
    """Waits until the engine has written something new."""
    before = (await state(url))["newest"]
    async with waiting():
        while (await state(url))["newest"] == before:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def test_a_demo_starts_lives_stops_and_goes_on(folder: Path) -> None:
    told: list[tuple[float, str]] = []
    async with demo_database(folder, lambda done, what: told.append((done, what)), speed=SPEED, days=4) as url:
        await lives(url)
        first = await state(url)
    fractions = [done for done, _ in told]
    assert fractions == sorted(fractions)
    assert told[0] == (0.0, "starting PostgreSQL")
    assert told[-1] == (1.0, "ready")
    assert first["trades"] > 20
    with pytest.raises(OSError, match=r"Connect|No such file"):
        await asyncpg.connect(url)

    told.clear()
    async with demo_database(folder, lambda done, what: told.append((done, what)), speed=SPEED, days=4) as url:
        await lives(url)
        again = await state(url)
    assert [what for _, what in told] == ["starting PostgreSQL", "ready"]
    assert again["session"] > first["session"]
    assert again["newest"] > first["newest"]


async def test_a_start_that_was_interrupted_is_made_anew(folder: Path) -> None:
    def give_up(done: float, what: str) -> None:
        if what == "writing trades":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await demo_database(folder, give_up, days=4).__aenter__()
    with EmbeddedServer.start(folder) as server:
        assert not await server.has_database(DATABASE)
    async with demo_database(folder, lambda done, what: None, speed=SPEED, days=4) as url:
        await lives(url)


async def test_a_cancelled_start_gives_the_folder_back(folder: Path) -> None:
    progress = asyncio.Event()
    task = asyncio.create_task(demo_database(folder, lambda done, what: progress.set()).__aenter__())
    await progress.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with EmbeddedServer.start(folder) as server:
        assert server.pid


async def test_a_demo_that_runs_already_is_not_started_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitoring.postgres.embedded.BUSY_SECONDS", 0.1)
    with EmbeddedServer.start(folder), pytest.raises(EmbeddedError, match="in use by process"):
        async with demo_database(folder, lambda done, what: None):
            pytest.fail("two demos in one folder")


def test_the_usual_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/me/.data")
    assert default_demo_dir() == Path("/home/me/.data/monitoring-dashboard/demo")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_demo_dir() == Path("/var/lib/monitoring-dashboard/demo")
