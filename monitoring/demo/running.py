"""One demo a folder: whoever starts a second one is told where the first is."""

import os
from pathlib import Path

from monitoring.errors import UserError
from monitoring.postgres.programs import explained
from monitoring.postgres.watchdog import FolderLock

ADDRESS = "address"
"""Process and URL of the dashboard that shows the folder's demo."""


def note_address(folder: Path, url: str) -> None:
    """Leaves beside the demo's PostgreSQL where its dashboard is."""
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ADDRESS).write_text(f"{os.getpid()} {url}", encoding="utf-8")


def forget_address(folder: Path) -> None:
    """From here on the demo is ending: who comes now waits for the folder."""
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
