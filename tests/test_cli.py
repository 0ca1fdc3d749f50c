"""The command line: what an operator types, and the one sentence that answers a mistake."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest

from monitoring.postgres.embedded import EmbeddedServer
from tests.rows import insert
from tests.running import run_dashboard


async def atb(*arguments: str, **environ: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command."""
    clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "ENV", "HOST", "PORT")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitoring", *arguments),
        env={**clean, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_lists_the_dashboard() -> None:
    code, out, _ = await atb("dashboards", "list")
    assert code == 0
    assert "monitoring" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("dashboards", "run", "monitoring"), "DATABASE_URL"),
        (("dashboards", "run", "backtesting", "--demo"), "unknown dashboard backtesting: expected monitoring"),
        (("dashboards", "run", "monitoring", "--demo", "--update-interval", "0"), "--update-interval=0"),
        (("dashboards", "run", "monitoring", "--db-url", "postgresql://u:hidden@127.0.0.1:1/x"), "127.0.0.1:1/x"),
        (("db", "verify", "--db-url", "postgresql://u:hidden@127.0.0.1:1/x"), "127.0.0.1:1/x"),
    ],
)
async def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], expected: str) -> None:
    code, _, err = await atb(*arguments)
    assert code == 1
    assert expected in err
    assert len(err.strip().splitlines()) == 1
    assert "hidden" not in err
    assert "Traceback" not in err


async def test_bad_usage_exits_with_two() -> None:
    assert (await atb("dashboards", "run"))[0] == 2


async def test_a_taken_port_is_named(database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = await atb("dashboards", "run", "monitoring", "--db-url", database_url, "--port", str(port))
    assert code == 1
    assert f"127.0.0.1:{port}" in err
    assert len(err.strip().splitlines()) == 1


async def test_verify_says_what_is_there(database_url: str, connection: asyncpg.Connection) -> None:
    await connection.execute("DROP TABLE reconciliation_audit_events")
    await insert(connection, "trades")
    code, out, _ = await atb("db", "verify", "--apply-migrations", DATABASE_URL=database_url)
    assert code == 0
    for words in (
        "Migrations belong to the engine",
        "PostgreSQL",
        "reconciliation_audit_events",
        "pg_current_snapshot",
    ):
        assert words in out


async def test_verify_fails_where_the_dashboard_could_not_work(server: EmbeddedServer) -> None:
    code, out, _ = await atb("db", "verify", DATABASE_URL=server.url("postgres"))
    assert code == 1
    assert "cannot work without: trading_sessions" in out


async def test_init_refuses_a_database_that_has_tables(database_url: str) -> None:
    code, _, err = await atb("db", "init", DATABASE_URL=database_url)
    assert code == 1
    assert len(err.strip().splitlines()) == 1


async def test_the_script_of_the_engines_documents_still_works(database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "scripts/verify_database_connection.py",
        env={**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(Path.cwd())},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert b"PostgreSQL" in out


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_stops_at_once_with_streams_open(database_url: str, stop: signal.Signals) -> None:
    async with run_dashboard("--db-url", database_url) as running, httpx.AsyncClient() as client:
        async with client.stream("GET", f"{running.url}/events") as stream:
            chunks = stream.aiter_text()
            assert "hello" in await anext(chunks)
            running.process.send_signal(stop)
            farewell = "".join([chunk async for chunk in chunks])
        assert "retry: 1000" in farewell
        assert await asyncio.wait_for(running.process.wait(), 2) == 0
        assert "Traceback" not in "".join(running.log)


async def test_waits_for_a_database_that_is_late(server: EmbeddedServer, template_database: str) -> None:
    async def create_when_asked() -> None:
        await asyncio.sleep(2)
        await server.create_database("late", template_database)

    late = asyncio.create_task(create_when_asked())
    waiting = run_dashboard("--db-url", server.url("late"), "--wait-for-db", "20")
    async with waiting as running, httpx.AsyncClient() as client:
        assert (await client.get(f"{running.url}/health")).json() == {"status": "ok"}
    await late
    await server.drop_database("late")
