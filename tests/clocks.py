"""Clocks that tests hand in."""

from datetime import datetime, timedelta

from monitoring.clock import SYSTEM_CLOCK, Clock

AN_AFTERNOON = datetime(2026, 3, 11, 15, 30)
"""In the middle of a week and of a month."""


class ManualClock:
    """A ``clock`` that goes only when it is told to."""

    def __init__(self, now: datetime = AN_AFTERNOON) -> None:
        self.now = now
        self._began = now
        self.clock = Clock(lambda: self.now, lambda: (self.now - self._began).total_seconds())

    def forward(self, **interval: float) -> None:
        """``forward(hours=2)``"""
        self.now += timedelta(**interval)


class RunningClock:
    """A ``clock`` that goes with the system's, ``ahead`` of it as far as a test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._waited = timedelta()
        self.clock = Clock(
            lambda: SYSTEM_CLOCK.now() + self._waited + self.ahead,
            lambda: SYSTEM_CLOCK.monotonic() + self._waited.total_seconds(),
        )

    def forward(self, **interval: float) -> None:
        """As if somebody had waited; a clock that is put ``ahead`` jumps, and no time has passed."""
        self._waited += timedelta(**interval)


class Calendar:
    """A ``clock`` whose days go by in no time: only by :meth:`wait` does anybody grow older who measures seconds."""

    def __init__(self) -> None:
        self.now = AN_AFTERNOON
        self._waited = 0.0
        self.clock = Clock(lambda: self.now, lambda: SYSTEM_CLOCK.monotonic() + self._waited)

    def forward(self, **interval: float) -> None:
        """``forward(hours=2)``"""
        self.now += timedelta(**interval)

    def wait(self, seconds: float) -> None:
        self.forward(seconds=seconds)
        self._waited += seconds


def standing_at(moment: datetime) -> Clock:
    """For figures of one and the same moment, while everything else goes on."""
    return Clock(lambda: moment, SYSTEM_CLOCK.monotonic)
