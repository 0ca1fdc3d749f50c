"""`python -m scripts.find_server nginx` (or pgbouncer) prints its path; with `--install` it gets one where none is."""

import os
import shutil
import sys

from scripts.programs import apt, install, starts

ELSEWHERE = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"
VERSION_OPTION = {"nginx": "-v", "pgbouncer": "-V"}


def find_server(name: str) -> str | None:
    """The program that the variable of its name ($NGINX) names, else an installed one; None when there is none."""
    asked, named = VERSION_OPTION[name], os.environ.get(name.upper())
    if named:
        if not starts(named, asked):
            raise FileNotFoundError(f"{name.upper()}={named}: expected a {name} that answers {asked}")
        return shutil.which(named)
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{ELSEWHERE}")
    return path if path and starts(path, asked) else None


def install_server(name: str) -> str | None:
    """From Debian's packages."""
    if shutil.which("apt-get"):
        install(apt("update"), apt("install", "-y", "--no-install-recommends", name))
    return find_server(name)


def main(name: str, wanted: bool) -> int:
    path = find_server(name) or (install_server(name) if wanted else None)
    if path:
        print(path)
    elif wanted:
        # Not an error by itself: the tests that need it say why they are skipped, and fail in CI.
        print(f"no {name} found and none could be installed: the tests that need it are skipped", file=sys.stderr)
    return 0 if path or wanted else 1


if __name__ == "__main__":
    [name, *options] = sys.argv[1:]
    sys.exit(main(name, wanted="--install" in options))
