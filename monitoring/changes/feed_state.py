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
