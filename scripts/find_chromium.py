"""`python -m scripts.find_chromium` prints the path of a Chromium; with `--install` it gets one if there is none."""

import os
import shutil
import subprocess
import sys

from scripts.programs import apt, install, starts

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PLAYWRIGHTS_OWN = (
    "from playwright.sync_api import sync_playwright\nwith sync_playwright() as p: print(p.chromium.executable_path)"
)


def find_chromium() -> str | None:
    """$CHROMIUM, else an installed one, else Playwright's own; None when there is none that starts."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not starts(named, "--version"):
            raise FileNotFoundError(f"CHROMIUM={named}: expected a browser that answers --version")
        return shutil.which(named)
    candidates = [path for path in map(shutil.which, (*COMMANDS, *MAC_APPS)) if path]
    for path in candidates:
        if starts(path, "--version"):
            return path
    own = playwrights_own()
    return own if own and starts(own, "--version") else None


def playwrights_own() -> str | None:
    # In a process of its own: Playwright's synchronous interface refuses to run inside an event loop.
    done = subprocess.run([sys.executable, "-c", PLAYWRIGHTS_OWN], capture_output=True, text=True, timeout=60)
    return done.stdout.strip() or None


def install_chromium() -> str:
    for attempt in (with_playwright, with_apt):
        attempt()
        path = find_chromium()
        if path:
            return path
    raise FileNotFoundError(
        "no Chromium found and none could be installed: install one, or name one by the variable CHROMIUM"
    )


def with_playwright() -> None:
    install([sys.executable, "-m", "playwright", "install", "chromium"])


def with_apt() -> None:
    if shutil.which("apt-get"):
        install(apt("update"), apt("install", "-y", "--no-install-recommends", "chromium", "fonts-liberation"))


def main(wanted: bool) -> int:
    try:
        path = find_chromium() or (install_chromium() if wanted else None)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    if path:
        print(path)
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main(wanted="--install" in sys.argv[1:]))
