"""What guards open positions: their stops now and at first, and the orders that are live for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from monitoring.metrics.value import known

if TYPE_CHECKING:
    from monitoring.metrics.facts import Facts

STOP_GRACE = timedelta(minutes=1)
"""A position is opened first and its stop placed then."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """An open position and what guards it."""

    id: int
    symbol: str
    opened: datetime | None
    price: Decimal | None
    priced_at: datetime | None
    stop: Decimal | None
    """``stop_loss`` of the position; None where it is NULL, zero or NaN."""
    has_live_order: bool
    """Whether the newest stop order is neither missing nor finished."""
    has_stop_orders: bool = False
    """Whether any was ever placed for it."""
    first_stop: Decimal | None = None
    """The stop as first placed; None where there was none, or none that limits a loss."""


def unprotected(facts: "Facts") -> list[Guarded]:
    """Positions open for a while without a stop price, or whose bot places stop orders and has none live for them."""
    positions = facts.guarded or ()
    # A position that changed its session brings its orders along.
    places_stops = facts.places_stops or any(one.has_stop_orders for one in positions)
    bare = (one for one in positions if one.stop is None or (places_stops and not one.has_live_order))
    return [one for one in bare if one.opened is None or facts.now - one.opened > STOP_GRACE]


def unprotected_positions(facts: "Facts") -> int:
    """How many have no live stop."""
    known(facts.guarded, "positions cannot be read: the table is missing")
    return len(unprotected(facts))
