#!/usr/bin/env python3
"""Prints the path of a PgBouncer for the tests; with `--install` it gets one where there is none."""

import os
import shutil
import subprocess
import sys

INSTALL_SECONDS = 300
ELSEWHERE = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"


def find_pgbouncer() -> str | None:
    """$PGBOUNCER, else an installed one; None when there is none that starts."""
    named = os.environ.get("PGBOUNCER")
    if named:
        if not starts(named):
            raise FileNotFoundError(f"PGBOUNCER={named}: expected a PgBouncer that answers -V")
        return shutil.which(named)
    path = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:{ELSEWHERE}")
    return path if path and starts(path) else None


def starts(path: str) -> bool:
    try:
        return subprocess.run([path, "-V"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install_pgbouncer() -> str | None:
    """From the system's packages, where that needs no password. The service that they bring is not started."""
    if not shutil.which("apt-get"):
        return None
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    if os.geteuid() != 0:
        apt = ["sudo", "-n", "RUNLEVEL=1", *apt]
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", "pgbouncer"]):
        _run(command)
    return find_pgbouncer()


def _run(command: list[str]) -> None:
    """A failure is no news here: what counts is whether a PgBouncer is found afterwards."""
    print("$", *command, file=sys.stderr)
    environ = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=INSTALL_SECONDS, env=environ)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)


def main(install: bool) -> int:
    path = find_pgbouncer() or (install_pgbouncer() if install else None)
    if path:
        print(path)
    elif install:
        # Not an error by itself: the tests that need it say why they are skipped.
        print("no PgBouncer found and none could be installed: the tests through it are skipped", file=sys.stderr)
        return 0
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main(install="--install" in sys.argv[1:]))
