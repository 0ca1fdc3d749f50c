"""How the change feed is doing, for those who ask."""

from dataclasses import dataclass


@dataclass(slots=True)
class FeedState:
    """How the feed is doing, for /api/status, /ready and the log."""

    mode: str = "starting"
    """primary, standby, or why there is none: starting, disconnected."""
    how: str = ""
    """What is polled through what, and why, in a sentence; while disconnected the reason."""
    polls: int = 0
    changes: int = 0
    last_poll: float | None = None
    """Seconds since 1970 UTC of the last answer."""
    poll_seconds: float | None = None
    """How long a poll takes, smoothed."""
    error: str | None = None
    gone_since: float | None = None
    """Seconds since 1970 UTC from which on changes go unnoticed."""
    behind: bool = False
    """The server is a standby that does not keep up with its primary."""

    def gone(self, now: float, why: str) -> bool:
        """Changes go unnoticed from ``now`` (seconds since 1970) on; whether that is new."""
        is_new = self.gone_since is None
        self.mode, self.error, self.how = "disconnected", why, why
        self.gone_since = now if self.gone_since is None else self.gone_since
        return is_new

    def followed(self, now: float, mode: str, how: str) -> float | None:
        """Changes are noticed; for how many seconds they were not, if so."""
        gone_since, self.gone_since = self.gone_since, None
        self.mode, self.error, self.how = mode, None, how
        return None if gone_since is None else now - gone_since

    def polled(self, now: float, seconds: float) -> None:
        """A poll ended ``now`` (seconds since 1970) that took so many seconds."""
        self.polls += 1
        self.last_poll = now
        self.poll_seconds = seconds if self.poll_seconds is None else 0.9 * self.poll_seconds + 0.1 * seconds
