"""How figures and times are written for one reader: decimals by currency, amounts hidden, times of a zone."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo, available_timezones

DIGITS = {
    **dict.fromkeys(("JPY", "KRW", "IDR", "VND", "CLP", "HUF", "ISK", "PYG", "UGX", "XAF", "XOF"), 0),
    **dict.fromkeys(("BTC", "XBT", "ETH", "BNB", "SOL", "LTC", "BCH"), 8),
}
DEFAULT_DIGITS = 2
"""After the point, of every other currency, and where none is known."""
HIDDEN = "•••"
"""In place of an amount that the reader does not want others to see."""
DEFAULT_ZONE = "UTC"


@dataclass(frozen=True)
class Presentation:
    """``zone``: an IANA name, one of :func:`zones`."""

    hide_amounts: bool = False
    zone: str = DEFAULT_ZONE
    currency: str | None = None

    @property
    def decimals(self) -> int:
        """Of an amount of the account's money."""
        return DIGITS.get((self.currency or "").upper(), DEFAULT_DIGITS)

    @cached_property
    def _zone(self) -> ZoneInfo | None:
        return None if self.zone == DEFAULT_ZONE else ZoneInfo(self.zone)

    def local(self, moment: datetime) -> datetime:
        """Naive UTC as the clocks of the zone show it; UTC at the ends of time, which no zone reaches."""
        if self._zone is None or not MINYEAR < moment.year < MAXYEAR:
            return moment
        return moment.replace(tzinfo=UTC).astimezone(self._zone).replace(tzinfo=None)

    def zone_name(self, moment: datetime) -> str:
        """UTC, CET: what the zone is called then."""
        if self._zone is None:
            return DEFAULT_ZONE
        return moment.replace(tzinfo=UTC).astimezone(self._zone).tzname() or self.zone


def zones() -> frozenset[str]:
    """The names that this machine knows."""
    return frozenset(available_timezones() | {DEFAULT_ZONE})


DEFAULT = Presentation()
_PRESENT = ContextVar("presentation", default=DEFAULT)


def present() -> Presentation:
    """That of the page or the answer that is being written."""
    return _PRESENT.get()


@contextmanager
def presented(how: Presentation) -> Iterator[None]:
    """Figures are written so inside."""
    token = _PRESENT.set(how)
    try:
        yield
    finally:
        _PRESENT.reset(token)
