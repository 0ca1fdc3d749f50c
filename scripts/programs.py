"""What the scripts that find programs have in common: whether one starts, and how to run an installer."""

import os
import subprocess
import sys

INSTALL_SECONDS = 300


def starts(path: str, asked: str) -> bool:
    """Whether the program answers when ``asked`` for its version: one whose libraries are missing exists as well."""
    try:
        return subprocess.run([path, asked], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def apt(*arguments: str) -> list[str]:
    """A command of Debian's packages that needs no password; services that they bring are not started."""
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *arguments]
    return command if os.geteuid() == 0 else ["sudo", "-n", "RUNLEVEL=1", *command]


def install(*commands: list[str]) -> None:
    """Runs them. A failure is no news here: what counts is whether the program is found afterwards."""
    environ = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    for command in commands:
        print("$", *command, file=sys.stderr)
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=INSTALL_SECONDS, env=environ)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(error, file=sys.stderr)
