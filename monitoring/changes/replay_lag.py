"""Whether a standby is behind: what it received it has not replayed in time, or it receives nothing any more."""

from dataclasses import dataclass

from monitoring.changes.snapshot_token import Replay
from monitoring.clock import Clock

MAX_LAG_SECONDS = 1.0


@dataclass(slots=True)
class ReplayLag:
    """Is shown every poll of a standby."""

    clock: Clock
    behind: bool = False
    _goal: float = 0.0
    """A position that had been received ``_since`` (by the clock's ``monotonic``)."""
    _since: float = 0.0

    def saw(self, replay: Replay | None) -> None:
        """None: of a primary."""
        if replay is None:
            return
        now = self.clock.monotonic()
        passed = now - self._since
        self._goal = min(self._goal, replay.received)
        if replay.replayed < self._goal:
            self.behind = self.behind or passed > MAX_LAG_SECONDS
            return
        # One that is always late reaches its goals, but each of them long after it was set.
        self.behind = self.behind and passed > 2 * MAX_LAG_SECONDS
        self._goal, self._since = replay.received, now
