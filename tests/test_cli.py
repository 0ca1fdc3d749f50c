"""The command line: what an operator types, and the one sentence that answers a mistake."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from importlib.metadata import version
from pathlib import Path

import asyncpg
import httpx
import pytest

from monitoring.config import Setting, load_settings, setting_options
from monitoring.environment import read_environment
from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.wire import wire_to
from tests.rows import insert
from tests.running import atb, run, run_dashboard
from tests.secrets import SECRETS
from tests.waiting import WAIT_SECONDS, until


async def test_lists_the_dashboard() -> None:
    code, out, _ = await atb("dashboards", "list")
    assert code == 0
    assert "monitoring" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("dashboards", "run", "monitoring"), "DATABASE_URL"),
        (("dashboards", "run", "monitoring", "--db-url", "postgresql://u:hidden@127.0.0.1:1/x"), "127.0.0.1:1/x"),
        (
            ("dashboards", "run", "monitoring", "--demo", "--host", "192.0.2.1"),
            "listening on 192.0.2.1 lets others reach",
        ),
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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("backtesting --demo", "unknown dashboard backtesting: expected monitoring"),
        ("monitoring --demo --port 99999", "--port=99999: expected a port between 0 and 65535"),
        ("monitoring --demo --update-interval 0", "--update-interval=0: expected seconds between 1 and 86400"),
        ("monitoring --demo --db-url postgresql://a/b", "--demo brings a database of its own"),
        ("monitoring --demo-speed 9", "--demo-speed=9: expected it together with --demo"),
        ("monitoring --demo --demo-speed 0", "expected a speed between 1 and 1000"),
        ("monitoring --demo --demo-speed fast", "--demo-speed=fast: expected a speed"),
    ],
)
async def test_bad_usage_is_one_sentence_and_exit_two(arguments: str, expected: str) -> None:
    code, _, err = await atb("dashboards", "run", *arguments.split())
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert expected in err


async def test_a_wrong_variable_exits_with_one() -> None:
    code, _, err = await atb("dashboards", "run", "monitoring", "--demo", PORT="99999")
    assert (code, err) == (1, "atb: PORT=99999: expected a port between 0 and 65535\n")


async def test_bad_usage_exits_with_two() -> None:
    assert (await atb("dashboards", "run"))[0] == 2


@pytest.mark.parametrize("command", [(), ("dashboards",), ("dashboards", "run"), ("db", "verify"), ("token",)])
async def test_help_has_a_short_name_everywhere(command: tuple[str, ...]) -> None:
    code, out, _ = await atb(*command, "-h")
    assert code == 0
    assert out.startswith("Usage:")


async def test_help_lists_every_setting() -> None:
    _, out, _ = await atb("dashboards", "run", "monitoring", "-h")
    for setting in setting_options():
        assert isinstance(setting, Setting)
        assert [*setting.variables, *setting.opts][0] in out
    assert "--token" not in out


async def test_verify_needs_the_database_alone(database_url: str) -> None:
    assert (await atb("db", "verify", DATABASE_URL=database_url, ENV="production", PORT="x"))[0] == 0


async def test_says_its_version() -> None:
    assert (await atb("--version"))[:2] == (0, f"Monitoring {version('monitoring-dashboard')}\n")


async def test_makes_secrets_that_are_accepted(tmp_path: Path, database_url: str) -> None:
    """Also by a file whose last line has no end."""
    _, lines, _ = await atb("token")
    (tmp_path / ".env").write_text(f"DATABASE_URL={database_url}{lines}")
    assert load_settings(read_environment(tmp_path, {"ENV": "production"})).protected


async def test_an_old_python_is_answered_with_a_sentence() -> None:
    old = "import runpy, sys; sys.version_info = (3, 10, 14, 'final', 0); runpy.run_module('monitoring')"
    assert await run(sys.executable, "-c", old) == (1, "", "atb: Python 3.10: expected 3.11 or newer\n")


async def test_a_taken_port_is_named(database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = await atb("dashboards", "run", "monitoring", "--db-url", database_url, "--port", str(port))
    assert code == 1
    assert f"127.0.0.1:{port}" in err
    assert "another program" in err
    assert "--port" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a" * 70, "::z"])
async def test_an_address_that_is_not_ours_is_named(database_url: str, host: str) -> None:
    code, _, err = await atb("dashboards", "run", "monitoring", "--db-url", database_url, "--host", host, **SECRETS)
    assert code == 1
    assert host in err
    assert len(err.strip().splitlines()) == 1


async def test_a_second_dashboard_names_the_first(database_url: str) -> None:
    async with run_dashboard("--db-url", database_url) as first:
        port = first.url.rpartition(":")[2]
        code, _, err = await atb("dashboards", "run", "monitoring", "--db-url", database_url, "--port", port)
    assert code == 1
    assert f"Monitoring is already running at {first.url}/" in err
    assert len(err.strip().splitlines()) == 1


async def test_a_mistake_is_json_where_the_log_is() -> None:
    code, _, err = await atb("dashboards", "run", "monitoring", "--port", "no\nport", LOG_JSON="1")
    assert code == 2
    (line,) = err.splitlines()
    assert json.loads(line)["message"].startswith("--port=no\nport: expected a port")


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
        assert await asyncio.wait_for(running.process.wait(), WAIT_SECONDS) == 0
        assert "Traceback" not in "".join(running.log)


async def test_a_background_job_ends_while_it_waits_for_its_database() -> None:
    """A shell starts background jobs with SIGINT ignored."""
    command = f"{sys.executable} -m monitoring dashboards run monitoring --port 0 --wait-for-db 600"
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f"trap '' INT; exec {command} --db-url postgresql://127.0.0.1:1/none"),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while b"waiting for the database" not in await process.stderr.readline():
                pass
            process.terminate()
            assert await process.wait() == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def test_waits_for_a_database_that_is_late(server: EmbeddedServer, template_database: str) -> None:
    async def create_when_refused() -> None:
        await until(lambda: bool(wire.links))
        first = set(wire.links)
        wire.pass_on()
        await until(lambda: not first & wire.links)
        await server.create_database("late", template_database)

    async with wire_to(server.url("late")) as wire:
        wire.swallow()
        late = asyncio.create_task(create_when_refused())
        patient = run_dashboard("--db-url", wire.url(), "--wait-for-db", f"{WAIT_SECONDS:.0f}")
        async with patient as running, httpx.AsyncClient() as client:
            assert (await client.get(f"{running.url}/health")).json() == {"status": "ok"}
        await late
    await server.drop_database("late")
