"""Which trades are wanted, and in which order: what pages, files and calls have in common."""

from dataclasses import dataclass
from datetime import datetime

NEWEST, OLDEST, BY_SYMBOL = "exit_time", "+exit_time", "symbol"
AMOUNTS = {"pnl": "net", "r": "r", "duration": "seconds"}
"""What else trades are sorted by, the largest first, with + the smallest: the column in memory."""
SORTS = {
    "exit_time": NEWEST,
    "-exit_time": NEWEST,
    "+exit_time": OLDEST,
    "symbol": BY_SYMBOL,
    **{f"{sign}{name}": f"{sign}{name}".removeprefix("-") for name in AMOUNTS for sign in ("", "-", "+")},
}


@dataclass(frozen=True, slots=True)
class TradePlace:
    """Where a trade stands in an order."""

    exit: datetime
    id: int
    amount: float | None = None
    """What trades are sorted by, NaN where it is unknown; None where they are sorted by time."""


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which trades, and in which order."""

    symbol: str | None = None
    """In whatever case."""
    side: str | None = None
    exit_reason: str | None = None
    """In whatever case."""
    outcome: str | None = None
    """win, loss, breakeven or unknown, by net P&L."""
    session: int | None = None
    """One of the scope's sessions."""
    since: datetime | None = None
    until: datetime | None = None
    after: TradePlace | None = None
    """Only trades that come after this place in the order, the nearest ones; not in the order of symbols."""
    before: TradePlace | None = None
    """Only trades that come before this place in the order, the nearest ones; not in the order of symbols."""
    sort: str = "exit_time"
    """One of SORTS."""
    limit: int = 25
    offset: int = 0

    @property
    def cursor(self) -> TradePlace | None:
        """The place that the wanted trades are next to."""
        return self.after or self.before

    @property
    def order(self) -> str:
        """``sort`` without its synonyms."""
        return SORTS[self.sort]

    @property
    def amount(self) -> str | None:
        """The column in memory that trades are sorted by; None where it is time or symbol."""
        return AMOUNTS.get(self.order.removeprefix("+"))

    @property
    def ascends(self) -> bool:
        """Whether the smallest or oldest comes first."""
        return self.order.startswith("+")

    @property
    def upwards(self) -> bool:
        """Whether the page is found by going from the smaller or older to the larger or newer."""
        return self.ascends != (self.before is not None)

    @property
    def need(self) -> int:
        """How many trades must be found, those left out included."""
        return self.limit + self.offset
