"""How long to wait before something that failed is tried again."""

import math

from monitoring.clock import SYSTEM_CLOCK, Clock


class Backoff:
    """Pauses of ``first_seconds``, twice as long each time, of ``longest_seconds`` at most.

    Once nothing has failed for longer than the longest pause, the next one is the first again.
    """

    def __init__(self, first_seconds: float, longest_seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._first = first_seconds
        self._longest = longest_seconds
        self._clock = clock
        self._pause = 0.0
        self.due = -math.inf
        """When the newest pause ends, by the clock's ``monotonic``."""

    def next(self) -> float:
        """Seconds to wait from now on."""
        now = self._clock.monotonic()
        recovered = now - self.due > self._longest
        self._pause = self._first if recovered else min(self._longest, 2 * self._pause)
        self.due = now + self._pause
        return self._pause
