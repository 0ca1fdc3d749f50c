"""How often the feed polls: quickly while somebody looks, and never so often that it costs more than its share."""

import asyncio
import math
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

from monitoring.clock import Clock

WATCHED_PAUSE_SECONDS = 0.02
"""Seconds between polls while somebody looks."""
UNWATCHED_PAUSE_SECONDS = 1.0
LARGEST_SHARE = 0.05
"""Of the time, at most, that reading may take: a slow server is read more rarely."""
MAX_PAUSE_SECONDS = 0.9
"""Slower than this, the figures of those who look would not be live; faster than when nobody does."""
ATTENTION_SECONDS = 10.0
"""Seconds for which one who came to look counts as looking, whether or not a stream of theirs is open yet."""
CHEAP_SECONDS = 0.002
"""Seconds of work that are left alone."""
WEIGHED_POLL_COUNT = 3
"""Polls whose median is the cost: one that waited for a lock or a busy disk among quick ones is nobody's load."""


@dataclass(slots=True)
class Pace:
    """Pauses between polls."""

    clock: Clock
    _spent: deque[float] = field(default_factory=lambda: deque((0.0,) * WEIGHED_POLL_COUNT, maxlen=WEIGHED_POLL_COUNT))
    _attention: float = 0.0
    _end: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def cost(self) -> float:
        """Seconds a poll works beyond the way there and back."""
        return median(self._spent)

    def wake(self) -> None:
        """Somebody has come to look: short pauses from now on."""
        self.hurry()
        self.nudge()

    def hurry(self) -> None:
        """Short pauses from the next one on."""
        self._attention = self.clock.monotonic() + ATTENTION_SECONDS

    def nudge(self) -> None:
        """Ends the pause."""
        self._end.set()

    def seconds(self, watched: bool) -> float:
        """The pause that is due."""
        if not watched and self.clock.monotonic() > self._attention:
            return UNWATCHED_PAUSE_SECONDS
        cost = self.cost
        dear = cost / LARGEST_SHARE - cost if cost > CHEAP_SECONDS else 0.0
        return min(MAX_PAUSE_SECONDS, max(WATCHED_PAUSE_SECONDS, dear))

    async def pause(self, spent: float, watched: bool) -> None:
        """Waits after a poll that worked for ``spent`` seconds."""
        self._spent.append(spent)
        with suppress(TimeoutError):
            # Not wait_for: before Python 3.12 it forgets that it was cancelled when both happen at once.
            async with asyncio.timeout(self.seconds(watched)):
                await self._end.wait()
        self._end.clear()


@dataclass(slots=True)
class Looks:
    """When the feed last looked at what it looks at more rarely."""

    clock: Clock
    _looked: dict[str, float] = field(default_factory=dict)

    def due(self, what: str, pause: float) -> bool:
        """Whether a look is due, which then counts as done; ``pause``: seconds between two."""
        now = self.clock.monotonic()
        if now - self._looked.get(what, -math.inf) < pause:
            return False
        self._looked[what] = now
        return True

    def begin(self, *just_looked: str) -> None:
        """Over a new link everything is due but what was looked at when it was made."""
        self._looked = dict.fromkeys(just_looked, self.clock.monotonic())
