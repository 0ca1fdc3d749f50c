"""At which price a position would give back what entering it cost."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from monitoring.metrics.position_row import finite

ENTRIES = ("ENTRY", "SCALE_IN")
FILLED = ("FILLED", "CONFIRMED")
MAX_FEE_SHARE = Decimal("0.1")
"""Of what was bought: no exchange takes more, so a larger one is an error of the rows."""

Row = Mapping[str, object]


def breakeven_price(entry: Decimal | None, direction: int, orders: Iterable[Row]) -> Decimal | None:
    """Where fees are earned back, those of the exit at the rate of the entry; None where the entry's are unknown."""
    share = _fee_share(orders)
    if entry is None or share is None:
        return None
    return entry * (1 + direction * share) / (1 - direction * share)


def _fee_share(orders: Iterable[Row]) -> Decimal | None:
    """What entering cost, as a share of what was bought or sold."""
    entries = [one for one in orders if one["order_type"] in ENTRIES and one["status"] in FILLED]
    known = [(fee, size) for one in entries if (fee := fee_of(one)) is not None and (size := _size(one))]
    if not entries or len(known) < len(entries):
        return None
    share = sum((fee for fee, _ in known), Decimal(0)) / sum((size for _, size in known), Decimal(0))
    return share if 0 <= share <= MAX_FEE_SHARE else None


def fee_of(order: Row) -> Decimal | None:
    """As the exchange has it, else as the engine reckoned it."""
    return _first(order, "actual_commission", "commission")


def _size(order: Row) -> Decimal | None:
    """Quantity times price."""
    quantity, price = _first(order, "filled_quantity", "quantity"), _first(order, "filled_price", "price")
    return abs(quantity * price) if quantity is not None and price is not None else None


def _first(order: Row, *columns: str) -> Decimal | None:
    """The first of the numbers that is known."""
    return next((number for column in columns if (number := finite(order[column])) is not None), None)
