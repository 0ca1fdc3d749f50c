"""In which order open positions are listed."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from monitoring.metrics.facts import Facts, OpenPosition
from monitoring.metrics.guards import first_stops, unprotected
from monitoring.metrics.r_scale import in_r

Key = Callable[[OpenPosition], tuple[Any, ...]]


def by_risk(facts: Facts) -> Key:
    """Those without a live stop, those without a price, then the others, the worst in R first."""
    bare = {one.id for one in unprotected(facts)}
    firsts = first_stops(facts)

    def key(position: OpenPosition) -> tuple[Any, ...]:
        r = in_r(position.unrealized, position.entry_price, firsts.get(position.id), position.quantity)
        return position.id not in bare, position.unrealized is not None, r or Decimal(0)

    return key


def by_pnl(_facts: Facts) -> Key:
    """The greatest loss first, what is unknown last."""
    return lambda position: (position.unrealized is None, position.unrealized or Decimal(0))


def newest(facts: Facts) -> Key:
    """The latest entry first, of several at once the one with the largest id."""

    def key(position: OpenPosition) -> tuple[Any, ...]:
        at = position.opened
        return at is None, facts.now - at if at else timedelta(0), -position.id

    return key


ORDERS: Mapping[str, Callable[[Facts], Key]] = {"risk": by_risk, "pnl": by_pnl, "newest": newest}


def in_order(facts: Facts, order: str) -> list[OpenPosition]:
    """The open positions, as one of ``ORDERS`` says; ties by id."""
    key = ORDERS[order](facts)
    return sorted(facts.positions or (), key=lambda position: (*key(position), position.id))
