"""A folder holds one running demo; starting a second one fails with the address of the first."""

import os
from pathlib import Path

from monitoring.errors import UserError
from monitoring.postgres.programs import explained
from monitoring.postgres.watchdog import FolderLock

ADDRESS = "address"
"""Process and URL of the dashboard that shows the folder's demo."""


def note_address(folder: Path, url: str) -> None:
    """Writes the address of the dashboard into the folder of the demo's PostgreSQL."""
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ADDRESS).write_text(f"{os.getpid()} {url}", encoding="utf-8")


def forget_address(folder: Path) -> None:
    """Removes the address, because the demo is about to end; another start then waits for the folder."""
    (folder / ADDRESS).unlink(missing_ok=True)


def expect_no_other(folder: Path) -> None:
    """Raises UserError where another process shows the demo of this folder."""
    try:
        process, _, url = (folder / ADDRESS).read_text(encoding="utf-8").partition(" ")
    except OSError:
        return
    with explained(folder):
        lock = FolderLock(folder)
        if lock.acquire(0):
            lock.release()
        # Another holder than the one that left its address is a watchdog, and about to go.
        elif lock.holder() == process:
            raise UserError(
                f"Monitoring is already running at {url} (process {process}): open that, or give another demo "
                "a folder and a port of its own with --demo-dir and --port"
            )
