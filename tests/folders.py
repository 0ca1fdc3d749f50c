"""Folders for PostgreSQL: in memory where there is room, for most of the tests' time goes into its files."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
MIN_FREE_BYTES = 2 << 30
"""What the servers of all workers may need at once, and a copy of each."""


@contextmanager
def new_folder() -> Iterator[Path]:
    """Removed at the end. Not pytest's, which is closed to the account that PostgreSQL runs as under root."""
    made = Path(tempfile.mkdtemp(prefix="atb-tests-", dir=MEMORY if _roomy() else None))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def _roomy() -> bool:
    return MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MIN_FREE_BYTES
