"""Stops the embedded PostgreSQL of one folder when the process that owns it dies without doing so.

Run as ``python -m monitoring.postgres.watchdog FOLDER`` in a session of its own. Its standard input is a pipe
from the owner: a byte means that the owner has stopped the server itself, the end that the owner is dead.
"""

import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

CLUSTER = "cluster"
LOCK = "lock"
SOCKET_PREFIX = "atb-pg-"
"""Folders for sockets outside the cluster, whose own path may be too long for one."""

POLL_SECONDS = 0.01
FAST_STOP_SECONDS = 5.0
STARTING_SECONDS = 1.0
"""A server that was being started when its owner died may still appear."""
HANDOVER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The running server of a folder."""

    process: psutil.Process
    host: str
    """Folder of the Unix socket, or an address."""
    port: int
    ready: bool


def running_postmaster(cluster: Path) -> Postmaster | None:
    """The server of this very folder: the pid in its postmaster.pid may by now belong to anybody."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        process = psutil.Process(int(lines[0]))
        if not _serves(process, cluster):
            return None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    lines += [""] * 8
    return Postmaster(process, lines[4] or lines[5], int(lines[3] or 0), lines[7].strip() == "ready")


def _serves(process: psutil.Process, cluster: Path) -> bool:
    if not process.name().startswith("postgres"):
        return False
    folder = cluster.resolve()
    # A postmaster works in its data folder; its command line tells it to those who may not look there.
    try:
        return Path(process.cwd()) == folder
    except psutil.AccessDenied:
        return str(folder) in process.cmdline()


def stop_postmaster(cluster: Path, *, crash: bool = False) -> None:
    """Ends the folder's server and returns when it is gone; ``crash`` does it as a power cut would."""
    postmaster = running_postmaster(cluster)
    if postmaster is None:
        return
    steps = [(_signal("SIGQUIT"), 2.0), (_signal("SIGKILL"), 2.0)]
    if not crash:
        steps.insert(0, (_signal("SIGINT"), FAST_STOP_SECONDS))
    for number, patience in steps:
        try:
            postmaster.process.send_signal(number)
        except psutil.NoSuchProcess:
            break
        if _gone(cluster, patience):
            break
    _remove_socket_folder(Path(postmaster.host))


def _signal(name: str) -> signal.Signals:
    # Windows knows no signals: there a server is ended at once and recovers when it starts again.
    return signal.SIGTERM if sys.platform == "win32" else signal.Signals[name]


def _gone(cluster: Path, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while running_postmaster(cluster) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _remove_socket_folder(folder: Path) -> None:
    if folder.name.startswith(SOCKET_PREFIX) and folder.parent == Path(tempfile.gettempdir()):
        for leftover in folder.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()


class FolderLock:
    """At most one owner of a folder at a time; the lock goes when its holder dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._file: IO[str] | None = None

    def acquire(self, patience: float) -> bool:
        deadline = time.monotonic() + patience
        file = self._path.open("a+", encoding="utf-8")
        while not _try_lock(file):
            if time.monotonic() > deadline:
                file.close()
                return False
            time.sleep(POLL_SECONDS)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def holder(self) -> str:
        return self._path.read_text(encoding="utf-8") or "unknown"


def _try_lock(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far behind the text: a locked byte cannot be read by others there.
            file.seek(1 << 20)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def watch(folder: Path, pipe: IO[bytes]) -> None:
    """Blocks until the owner is done with the folder's server, one way or the other."""
    if pipe.read(1):
        return
    lock = FolderLock(folder)
    # Not to be had: a new owner has taken the folder over, and with it the server.
    if not lock.acquire(HANDOVER_SECONDS):
        return
    deadline = time.monotonic() + STARTING_SECONDS
    while running_postmaster(folder / CLUSTER) is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    stop_postmaster(folder / CLUSTER)
    lock.release()


if __name__ == "__main__":
    watch(Path(sys.argv[1]), sys.stdin.buffer)
