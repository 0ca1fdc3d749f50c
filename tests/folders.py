"""Folders for PostgreSQL: in memory where there is room, for most of the tests' time goes into its files."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MEMORY = Path("/dev/shm")
PREFIX = "atb-tests-"
MIN_FREE_BYTES = 2 << 30
"""What the servers of all workers may need at once, and a copy of each."""


@contextmanager
def new_folder() -> Iterator[Path]:
    """Removed at the end. Not pytest's, which is closed to the account that PostgreSQL runs as under root."""
    _remove_those_of_killed_runs()
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=MEMORY if _roomy() else None))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def _remove_those_of_killed_runs() -> None:
    """They would take memory until the machine is started again."""
    for folder in MEMORY.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _roomy() -> bool:
    return MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MIN_FREE_BYTES
