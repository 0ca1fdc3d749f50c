"""How many moments viewers are told apart by: each costs as much as a viewer who shares nothing with others."""

from dataclasses import dataclass, field

from monitoring.clock import MINUTE_SECONDS, Clock

MAX_MOMENTS_COUNT = 64
IN_USE_SECONDS = 10 * MINUTE_SECONDS
"""Since a viewer with that moment asked last."""


@dataclass(slots=True)
class Moments:
    """The ends of the last visits of those who look now, in minutes since 1970."""

    clock: Clock
    _used: dict[int, float] = field(default_factory=dict)
    """When each was asked for last."""

    def admit(self, moment: int) -> bool:
        """Whether what happened since then is told; not where too many others are in use."""
        now = self.clock.monotonic()
        if moment not in self._used and len(self._used) >= MAX_MOMENTS_COUNT:
            self._used = {known: at for known, at in self._used.items() if now - at < IN_USE_SECONDS}
            if len(self._used) >= MAX_MOMENTS_COUNT:
                return False
        self._used[moment] = now
        return True
