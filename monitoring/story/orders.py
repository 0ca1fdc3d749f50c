"""The orders of a position: what was asked and got, and where its stop was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.metrics.breakeven import fee_of
from monitoring.metrics.order_words import TROUBLED, kind, state, trades
from monitoring.metrics.position_row import finite, taken
from monitoring.story.deal import Deal, Row

STOP, ENTRY, SCALE_IN, PARTIAL_EXIT, FULL_EXIT = "STOP_LOSS", "ENTRY", "SCALE_IN", "PARTIAL_EXIT", "FULL_EXIT"
FILLED = ("FILLED", "CONFIRMED")
WITH_STOP = timedelta(minutes=5)
"""A stop that is cancelled so short before or after the exit was cancelled for it."""
SAME_PART = timedelta(minutes=1)
"""How far the fill of an order and the note of the partial exit that it made are apart at most."""


@dataclass(frozen=True, slots=True)
class Fill:
    """An order that was filled."""

    at: datetime | None
    quantity: Decimal | None
    asked: Decimal | None
    got: Decimal | None
    slippage_percent: Decimal | None
    """Positive is worse than asked."""
    took: timedelta | None
    """From the order to its fill; None of a stop, which is meant to wait."""
    fee: Decimal | None


@dataclass(frozen=True, slots=True)
class Failure:
    """An order that did not do what it was to do: what it was for and how it stands, in words."""

    at: datetime | None
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that was placed, or moved."""

    at: datetime | None
    price: Decimal
    before: Decimal | None
    """The price of the stop before; None of the first."""
    result: Decimal | None
    """P&L of what it guards if it is hit, before costs."""
    at_exchange: bool
    """Whether it is an order at the exchange, and not the engine's own price."""
    trailed: bool = False
    """Whether the engine says that it moved it after the price."""

    @property
    def moved(self) -> bool:
        return self.before is not None and self.before != self.price


@dataclass(frozen=True, slots=True)
class Part:
    """A partial exit, or what was added (``added``)."""

    at: datetime | None
    added: bool
    price: Decimal | None
    share_percent: Decimal | None
    """Of the position as it was opened."""
    realized: Decimal | None
    """P&L that it took, before costs."""
    order: Fill | None


def of_kind(orders: Sequence[Row], *kinds: str) -> list[Row]:
    return [order for order in orders if order["order_type"] in kinds]


def is_filled(order: Row) -> bool:
    return order["status"] in FILLED


def fill_of(order: Row) -> Fill:
    asked, got = _positive(order["price"]), _positive(order["actual_fill_price"]) or _positive(order["filled_price"])
    worse = {"buy": 1, "sell": -1}.get(trades(order) or "")
    slippage = None if asked is None or got is None or worse is None else (got - asked) / asked * 100 * worse
    sent, filled = _moment(order["created_at"]), _moment(order["filled_at"])
    waits = order["order_type"] == STOP
    return Fill(
        at=filled or sent,
        quantity=_positive(order["actual_fill_quantity"])
        or _positive(order["filled_quantity"])
        or _positive(order["quantity"]),
        asked=asked,
        got=got,
        slippage_percent=slippage,
        took=None if waits or sent is None or filled is None else max(filled - sent, timedelta(0)),
        fee=known_fee(order),
    )


def known_fee(order: Row) -> Decimal | None:
    """None where the exchange has not told it: the engine writes 0 until then."""
    return fee_of(order) if finite(order["actual_commission"]) is not None else fee_of(order) or None


def exit_order(orders: Sequence[Row]) -> Row | None:
    """The order that closed the position; None where none is known to have."""
    filled = [order for order in of_kind(orders, FULL_EXIT, STOP) if is_filled(order)]
    return filled[-1] if filled else None


def stop_cancelled(orders: Sequence[Row], closed: datetime | None) -> bool:
    """Whether the last stop was cancelled because the position was closed."""
    stops = of_kind(orders, STOP)
    at = _moment(stops[-1]["cancelled_at"]) if stops else None
    return at is not None and closed is not None and abs(at - closed) <= WITH_STOP


def failures(orders: Sequence[Row]) -> list[Failure]:
    bad = [order for order in orders if order["status"] in TROUBLED]
    return [Failure(_moment(order["created_at"]), kind(order)[0], state(order)) for order in bad]


def stops(deal: Deal, orders: Sequence[Row]) -> list[Stop]:
    """Each price at which a stop order was placed, oldest first; one that only changed its quantity is left out."""
    found: list[Stop] = []
    for order in of_kind(orders, STOP):
        price = _positive(order["price"])
        if price is not None and (not found or found[-1].price != price):
            before = found[-1].price if found else None
            result = deal.amount(price, _positive(order["quantity"]))
            found.append(Stop(_moment(order["created_at"]), price, before, result, at_exchange=True))
    return found


def parts(position: Row, partials: Sequence[Row], orders: Sequence[Row]) -> list[Part]:
    """What was sold or added while the position was open, oldest first."""
    free = [order for order in of_kind(orders, PARTIAL_EXIT, SCALE_IN) if is_filled(order)]
    found = []
    for row in partials:
        order = _order_of(row, free)
        if order is not None:
            free.remove(order)
        found.append(_part(position, row, order))
    return found


def _part(position: Row, row: Row, order: Row | None) -> Part:
    added, size, original = row["operation_type"] == SCALE_IN, finite(row["size"]), finite(position["original_size"])
    return Part(
        at=_moment(row["timestamp"]),
        added=added,
        price=_positive(row["price"]),
        share_percent=size / original * 100 if size is not None and original else None,
        realized=None if added else taken(position, row),
        order=fill_of(order) if order else None,
    )


def _order_of(partial: Row, orders: Sequence[Row]) -> Row | None:
    at = _moment(partial["timestamp"])
    near = [order for order in orders if order["order_type"] == partial["operation_type"] and _is_at(order, at)]
    return near[0] if near else None


def _is_at(order: Row, at: datetime | None) -> bool:
    filled = _moment(order["filled_at"]) or _moment(order["created_at"])
    return filled is not None and at is not None and abs(filled - at) <= SAME_PART


def _positive(value: object) -> Decimal | None:
    number = finite(value)
    return number if number is not None and number > 0 else None


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
