"""Finds a Chromium for the tests in a real browser."""

import os
import shutil
import subprocess
import sys

from scripts.programs import install, install_packages, own_node, starts

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
    lend_node()
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


def lend_node() -> None:
    """Has Playwright, in this process and its children, run on the Node of the development environment."""
    node = own_node()
    if node:
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", node)


def playwrights_own() -> str | None:
    # In a process of its own: Playwright's synchronous interface refuses to run inside an event loop.
    done = subprocess.run([sys.executable, "-c", PLAYWRIGHTS_OWN], capture_output=True, text=True, timeout=60)
    return done.stdout.strip() or None


def install_chromium() -> str | None:
    # Root may install the libraries too that a browser needs; whoever is not root has one of his own for the asking.
    attempts = (with_packages, with_playwright) if os.geteuid() == 0 else (with_playwright, with_packages)
    for attempt in attempts:
        attempt()
        path = find_chromium()
        if path:
            return path
    return None


def with_playwright() -> None:
    install([sys.executable, "-m", "playwright", "install", "chromium"])


def with_packages() -> None:
    install_packages("chromium", "fonts-liberation")
