"""How many pages fetch after a signal, and over which time they are to spread."""

from monitoring.clock import Clock

MAX_FREE_VIEWERS = 50
"""So many may come at once."""
MILLISECONDS_PER_VIEWER = 0.8
"""A little more than one fetch costs the server: see docs/benchmarks.md."""
ROUND_SECONDS = 1.0
"""For at least so long fetches are counted as those of one signal."""
FORGOTTEN_SECONDS = 10.0
"""After so long a larger crowd of the past counts half."""


class Crowd:
    """Counts the fetches of open pages. Not all who listen fetch: a page in the background does not."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._size = 0.0
        self._fetched = 0
        self._began = clock.monotonic()

    def fetches(self) -> None:
        """An open page fetches, or a new one was opened."""
        self._fetched += 1

    def spread_milliseconds(self, viewers: int) -> int:
        """How long a page may wait after a signal to so many viewers."""
        seconds = self._clock.monotonic() - self._began
        if seconds >= ROUND_SECONDS:
            self._size = max(self._fetched, self._size * 0.5 ** (seconds / FORGOTTEN_SECONDS))
            self._fetched, self._began = 0, self._clock.monotonic()
        expected = min(viewers, max(self._size, self._fetched))
        return round(max(0.0, expected - MAX_FREE_VIEWERS) * MILLISECONDS_PER_VIEWER)
