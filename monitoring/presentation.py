"""How figures are written for one reader: the decimals of the account's currency."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

DIGITS = {
    **dict.fromkeys(("JPY", "KRW", "IDR", "VND", "CLP", "HUF", "ISK", "PYG", "UGX", "XAF", "XOF"), 0),
    **dict.fromkeys(("BTC", "XBT", "ETH", "BNB", "SOL", "LTC", "BCH"), 8),
}
DEFAULT_DIGITS = 2
"""After the point, of every other currency, and where none is known."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """How amounts are written."""

    currency: str | None = None

    @property
    def decimals(self) -> int:
        """Of an amount of the account's money."""
        return DIGITS.get((self.currency or "").upper(), DEFAULT_DIGITS)


_PRESENT = ContextVar("presentation", default=Presentation())  # noqa: B039 - it is frozen


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
