"""Starting a second demo in a folder fails with the address of the first one."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from monitoring.demo.running import expect_no_other
from tests.folders import new_folder
from tests.running import run_dashboard
from tests.waiting import until

TRADES = r"""
SELECT count(*) > 0 FROM pg_stat_activity
WHERE application_name = 'demo-engine' AND query ~ '^(INSERT INTO account_history|COMMIT)'
"""
"""Whether the demo's engine is at work."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with new_folder() as made:
        yield made / "demo"


async def refusal(folder: Path) -> str:
    """The message of a second start in the same folder."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitoring", "dashboards", "run", "monitoring"),
        *("--demo", "--demo-dir", str(folder), "--port", "0"),
        cwd=tempfile.gettempdir(),  # never where a developer may have a .env
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    return err.decode()


async def test_a_second_demo_says_where_the_first_is(folder: Path) -> None:
    async with run_dashboard("--demo", "--demo-dir", str(folder)) as first:
        (sentence,) = (await refusal(folder)).splitlines()
        assert f"Monitoring is already running at {first.url}/ (process {first.process.pid})" in sentence
    expect_no_other(folder)


async def test_a_demo_that_was_killed_is_in_nobodys_way(folder: Path) -> None:
    async with run_dashboard("--demo", "--demo-dir", str(folder)) as first:
        first.process.kill()
    async with run_dashboard("--demo", "--demo-dir", str(folder)) as second:
        assert first.process.pid != second.process.pid


async def goes_on(dashboard: str) -> bool:
    """Whether the engine writes again."""
    async with httpx.AsyncClient(base_url=dashboard) as client:
        return "lost and restored" in (await client.get("/partials/activity")).text


def kill_database(folder: Path) -> None:
    psutil.Process(int((folder / "cluster" / "postmaster.pid").read_text().split()[0])).send_signal(signal.SIGKILL)


async def test_a_killed_database_is_started_again(folder: Path) -> None:
    async with run_dashboard("--demo", "--demo-dir", str(folder)) as demo:
        kill_database(folder)
        await until(lambda: goes_on(demo.url))
        assert sum("lost its database" in line for line in demo.log) == 1


async def test_a_database_that_does_not_start_is_said_once(folder: Path) -> None:
    async with run_dashboard("--demo", "--demo-dir", str(folder)) as demo:
        settings = folder / "cluster" / "postgresql.auto.conf"
        before = settings.read_text()
        settings.write_text("port = 'no number'\n")
        kill_database(folder)
        tried = set[float]()

        def tried_often() -> bool:
            tried.add((folder / "postgres.log").stat().st_mtime)
            return len(tried) > 8

        await until(tried_often)
        settings.write_text(before)
        await until(lambda: goes_on(demo.url))
        assert sum("cannot be started again" in line for line in demo.log) == 1


async def emptied(connection: asyncpg.Connection) -> bool:
    """False where the engine was writing into the same tables."""
    try:
        await connection.execute("TRUNCATE trading_sessions CASCADE")
    except asyncpg.DeadlockDetectedError:
        return False
    return True


async def test_deleted_sessions_are_said_once_and_begun_anew(folder: Path) -> None:
    """With psql, at the address in the log."""
    async with run_dashboard("--demo", "--demo-dir", str(folder)) as demo:
        address = next(line for line in demo.log if "for psql" in line).split('"')[1]
        connection = await asyncpg.connect(address)
        await until(lambda: connection.fetchval(TRADES))
        await until(lambda: emptied(connection))
        await until(lambda: connection.fetchval("SELECT count(*) = 2 FROM trading_sessions WHERE end_time IS NULL"))
        await connection.close()
        deleted = sum("sessions of the demo were deleted" in line for line in demo.log)
        # Where the two lock each other out, the engine begins again instead, and finds no session to go on with.
        assert deleted == 1 or any("deadlock" in line for line in demo.log), "".join(demo.log)
        assert sum("has no LIVE session" in line for line in demo.log) == 1, "".join(demo.log)
        assert not any("ERROR" in line for line in demo.log)
