"""`python -m scripts.install_programs` gets what the tests need besides Python: Chromium, servers, lynx, axe-core.

A program that is named by a variable ($CHROMIUM, $NGINX, $PGBOUNCER, $LYNX) or found is taken as it is.
"""

import sys
from collections.abc import Callable

from scripts.find_axe import find_axe
from scripts.find_chromium import find_chromium, install_chromium
from scripts.find_server import VERSION_OPTION, find_server, install_server


def get(name: str, find: Callable[[], str | None], install: Callable[[], str | None]) -> bool:
    """Whether the program is there in the end; prints a line where it is not."""
    path = find() or install()
    if path is None:
        # No error by itself: tests that need it are skipped and counted, and fail in CI.
        print(f"no {name} found and none could be installed: install one, or name one by {name.upper()}=PATH")
    return path is not None


def main() -> int:
    try:
        get("chromium", find_chromium, install_chromium)
        for name in VERSION_OPTION:
            get(name, lambda name=name: find_server(name), lambda name=name: install_server(name))  # type: ignore[misc]
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    if find_axe() is None:
        print("no axe-core: npm could not fetch it, and the tests of accessibility are skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
