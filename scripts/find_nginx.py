#!/usr/bin/env python3
"""Prints the path of an nginx for the browser tests; with `--install` it gets one where there is none."""

import os
import shutil
import subprocess
import sys

INSTALL_SECONDS = 300
ELSEWHERE = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"


def find_nginx() -> str | None:
    """$NGINX, else an installed one; None when there is none that starts."""
    named = os.environ.get("NGINX")
    if named:
        if not starts(named):
            raise FileNotFoundError(f"NGINX={named}: expected an nginx that answers -v")
        return shutil.which(named)
    path = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:{ELSEWHERE}")
    return path if path and starts(path) else None


def starts(path: str) -> bool:
    try:
        return subprocess.run([path, "-v"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install_nginx() -> str | None:
    """From the system's packages, where that needs no password. The service that they bring is not started."""
    if not shutil.which("apt-get"):
        return None
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    if os.geteuid() != 0:
        apt = ["sudo", "-n", "RUNLEVEL=1", *apt]
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", "nginx"]):
        _run(command)
    return find_nginx()


def _run(command: list[str]) -> None:
    """A failure is no news here: what counts is whether an nginx is found afterwards."""
    print("$", *command, file=sys.stderr)
    environ = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=INSTALL_SECONDS, env=environ)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)


def main(install: bool) -> int:
    path = find_nginx() or (install_nginx() if install else None)
    if path:
        print(path)
    elif install:
        # Not an error by itself: the tests that need it say why they are skipped, and fail in CI.
        print("no nginx found and none could be installed: the tests behind proxies are skipped", file=sys.stderr)
        return 0
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main(install="--install" in sys.argv[1:]))
