"""Money that moved without a closed trade: deposits, withdrawals, corrections, gaps between sessions."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Flow:
    """A deposit (positive) or withdrawal, or a correction: money that moved without a trade."""

    at: datetime
    amount: Decimal
    reason: str
    id: int | str = 0
    """Of its booking; ``session:S`` of the gap before session S."""
    session: int | None = None
    correction: bool = False
    """Whether it is not known what it was: fees and losses that were not booked, or a deposit."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What the balance differs by where a session of a bot begins; nothing perhaps."""

    session: int
    before: int
    """Id of the session before."""
    at: datetime
    last: Decimal
    """The last balance of that."""
    initial: Decimal

    @property
    def id(self) -> str:
        return f"session:{self.session}"


@dataclass(frozen=True, slots=True)
class Books:
    """What moved the balance besides closed trades."""

    moved: Decimal
    """Deposits, withdrawals and corrections that the newest balance holds."""
    entry_fees: Decimal
    """Of open positions."""
    realized: Decimal
    """P&L of partial exits of open positions, as far as it was written ..."""
    computed: Decimal | None
    """... and of the others, from their prices; None where one cannot be computed."""
