"""The one place where time is read: who needs it is handed a clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60, 3600, 86400
MAX_CLOCK_SKEW = timedelta(minutes=1)
"""How far the clocks of different machines may differ; what is stamped farther in the future is not true yet."""


@dataclass(frozen=True, slots=True)
class Clock:
    """``now`` gives naive UTC, as the engine writes its timestamps; ``monotonic`` seconds that never go back."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]

    def since_1970(self) -> float:
        """``now`` in seconds since 1970 UTC, as cookies and browsers count."""
        return self.now().replace(tzinfo=UTC).timestamp()


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


SYSTEM_CLOCK = Clock(_utc_now, time.monotonic)
