"""What guards open positions: their stops now and at first, and the orders that are live for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from monitoring.metrics.position_row import finite, sign
from monitoring.metrics.value import known

if TYPE_CHECKING:
    from monitoring.metrics.facts import Facts, OpenPosition

STOP_GRACE = timedelta(minutes=1)
"""A position is opened first and its stop placed then."""
FINISHED = frozenset({"FILLED", "CONFIRMED", "CANCELLED", "FAILED", "EXPIRED"})
"""What orders end as."""


@dataclass(frozen=True, slots=True)
class StopOrders:
    """The stop orders that were ever placed for one position: one at least."""

    first_price: Decimal | None
    """Of the oldest that has a price."""
    live: str | None
    """Status of the newest; None where it is finished."""


def stop_orders(orders: Iterable[Mapping[str, object]]) -> StopOrders | None:
    """Of the orders of one position, oldest first; None where no stop is among them."""
    stops = [order for order in orders if order["order_type"] == "STOP_LOSS"]
    if not stops:
        return None
    prices = (finite(order["price"]) for order in stops)
    status = stops[-1]["status"]
    live = None if status is None or status in FINISHED else str(status)
    return StopOrders(next((price for price in prices if price is not None and price > 0), None), live)


def first_stop(entry: Decimal | None, side: object, stop: Decimal | None, orders: StopOrders | None) -> Decimal | None:
    """The stop of a position as first placed, else as it is now; None where there is none that limits a loss."""
    first = (orders.first_price if orders else None) or stop
    return first if first and entry and (entry - first) * sign(side) > 0 else None


def first_stops(facts: "Facts") -> dict[int, Decimal]:
    """By id of an open position its first stop; positions without one are missing."""
    found = {
        one.id: first_stop(one.entry_price, one.side, one.stop, facts.stop_orders.get(one.id))
        for one in facts.positions or ()
    }
    return {number: stop for number, stop in found.items() if stop is not None}


def unprotected(facts: "Facts") -> list["OpenPosition"]:
    """Positions open for a while without a stop price, or whose bot places stop orders and has none live for them."""
    positions, orders = facts.positions or (), facts.stop_orders
    # A position that changed its session brings its orders along.
    places_stops = facts.places_stops or any(one.id in orders for one in positions)
    live = {number for number, stops in orders.items() if stops.live is not None}
    bare = (one for one in positions if one.stop is None or (places_stops and one.id not in live))
    return [one for one in bare if one.opened is None or facts.now - one.opened > STOP_GRACE]


def awaiting_stop(facts: "Facts") -> int:
    """How many positions have no stop, but are so new that none of them counts as unprotected yet."""
    missed = {one.id for one in unprotected(facts)}
    return sum(one.stop is None and one.id not in missed for one in facts.positions or ())


def unprotected_positions(facts: "Facts") -> int:
    """How many have no live stop."""
    known(facts.positions, "positions cannot be read: the table is missing")
    return len(unprotected(facts))
