"""How much to read at once: chunks that take about as long as they should, whatever the table, disk or session."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

CHUNK_SECONDS = 0.05
"""What one chunk should take: short enough that a page can come in between."""
FASTER, SLOWER = 2.0, 0.25
"""A chunk is at most so many times as large as the one before, and at least."""


@dataclass(slots=True)
class ChunkSize:
    """``size`` is that of the next chunk, in whatever unit its reader counts."""

    size: float
    least: float
    monotonic: Callable[[], float]

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Times the chunk that is read within. Should that take too long to succeed, the next one is smaller."""
        size, started = self.size, self.monotonic()
        self.size = max(self.least, size * SLOWER)
        yield
        fit = CHUNK_SECONDS / max(self.monotonic() - started, 1e-4)
        self.size = max(self.least, size * min(FASTER, max(SLOWER, fit)))
