"""What the engine reported: errors, halts, orders, the size of its entries, its market.

All times are naive UTC. ``None`` means unknown, never zero.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Errors:
    """Events of severity error or critical of the last day and hour; None where their table cannot be read."""

    day: int | None = None
    hour: int | None = None
    events_of_hour: int | None = None
    """All events of the last hour, errors among them."""
    last_at: datetime | None = None
    """When the newest of the last days came."""
    last_message: str | None = None


@dataclass(frozen=True, slots=True)
class Halt:
    """The operator's kill switch."""

    active: bool | None
    reason: str | None = None
    unknown: str | None = None
    """Why ``active`` is None."""
    hidden: bool = False
    """The flags are there, but cannot be read: a kill switch would go unseen."""
    since: datetime | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class CloseOnly:
    """The engine's own loss limits let it close positions, and open none."""

    since: datetime
    code: str
    """``error_code`` of the event that said so."""
    message: str | None


@dataclass(frozen=True, slots=True)
class OrderSums:
    """Orders of the last 24 hours; slippage and latency are medians of those that were to be filled at once."""

    filled: int
    failed: int
    slippage_percent: float | None
    """Positive means worse than asked."""
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class RiskAdjustment:
    """The adjustment of ``position_size_factor`` that the newest entry was made with."""

    factor: float | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """When the engine last opened a position, and how it changed the size of that; None: not at all."""

    at: datetime | None
    adjustment: RiskAdjustment | None = None


@dataclass(frozen=True, slots=True)
class Logged(Generic[T]):
    """A figure as the engine logged it, and when."""

    value: T
    at: datetime


@dataclass(frozen=True, slots=True)
class Market:
    """What the engine last logged about the market it trades."""

    price_change_24h: Logged[float] | None = None
    rsi: Logged[float] | None = None
    ema_trend: Logged[str] | None = None
    why: str = "the engine has not logged it lately"
    """Why a value that is None is unknown."""
