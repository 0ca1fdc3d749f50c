"""What a deal made, and how well it was traded."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitoring.metrics.position_row import finite
from monitoring.story.deal import Deal, Row
from monitoring.story.orders import ENTRY, PARTIAL_EXIT, SCALE_IN, Part, exit_order, is_filled, known_fee, of_kind
from monitoring.story.points import Extremes, Point

FEE_TOLERANCE_SHARE = Decimal("0.005")
"""By what share the fees of the orders may differ from the commission of their trade, and still be it."""
ALL_FEES = "Fees"
SAME_QUANTITY_SHARE = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Fee:
    """A cost under its name. None is unknown; what the engine did not write counts as nothing in the net result."""

    label: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class PartsTaken:
    """What partial exits took, before costs."""

    amount: Decimal | None
    """None where one's result is unknown."""
    included: bool | None
    """Whether the P&L before costs holds it; None where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Made:
    """Gross − fees − interest = net. Amounts are None where they are unknown."""

    gross: Decimal | None
    fees: tuple[Fee, ...]
    interest: Decimal | None
    parts: PartsTaken | None
    """None where there were no partial exits."""

    @property
    def by_order(self) -> bool:
        """Whether what the orders say of their fees is known to be in the account's money."""
        return all(fee.label != ALL_FEES for fee in self.fees)


def made_of_trade(deal: Deal, trade: Row, position: Row | None, orders: Sequence[Row], parts: Sequence[Part]) -> Made:
    fees, interest = _fees(finite(trade["commission"]), orders), finite(trade["margin_interest_cost"])
    return Made(deal.gross, fees, interest, _taken(parts, _covers_all(deal, position)))


def made_of_position(deal: Deal, orders: Sequence[Row], parts: Sequence[Part]) -> Made:
    """So far: interest and the exit's fee are booked at the exit."""
    return Made(deal.gross, (Fee("Entry fee", _fees_of(orders, ENTRY, SCALE_IN)),), None, _taken(parts, included=False))


def _taken(parts: Sequence[Part], included: bool | None) -> PartsTaken | None:
    exits = [part.realized for part in parts if not part.added]
    known = [amount for amount in exits if amount is not None]
    total = sum(known, Decimal(0)) if len(known) == len(exits) else None
    return PartsTaken(total, included) if exits else None


def _covers_all(deal: Deal, position: Row | None) -> bool | None:
    """Whether the trade is of all that was opened: engines differ in whether it holds what partial exits took."""
    opened = finite(position["quantity"]) if position is not None else None
    if opened is None or deal.quantity is None:
        return None
    return abs(deal.quantity - opened) <= opened * SAME_QUANTITY_SHARE


def _fees(commission: Decimal | None, orders: Sequence[Row]) -> tuple[Fee, ...]:
    """By order, where the orders' fees are those of the trade; else in one."""
    closing = exit_order(orders)
    kinds = {
        "Entry fee": _fees_of(orders, ENTRY, SCALE_IN),
        "Fees of partial exits": _fees_of(orders, PARTIAL_EXIT),
        "Exit fee": None if closing is None else known_fee(closing),
    }
    known = [Fee(label, amount) for label, amount in kinds.items() if amount is not None]
    total = sum((fee.amount for fee in known if fee.amount is not None), Decimal(0))
    # An exchange may take its fee in what was bought: the orders do not tell.
    if commission and len(known) > 1 and abs(total - commission) <= abs(commission) * FEE_TOLERANCE_SHARE:
        return tuple(known)
    return (Fee(ALL_FEES, commission),)


def _fees_of(orders: Sequence[Row], *kinds: str) -> Decimal | None:
    """None where there is no such order, or one's fee is unknown."""
    fees = [known_fee(order) for order in of_kind(orders, *kinds) if is_filled(order)]
    known = [fee for fee in fees if fee is not None]
    return sum(known, Decimal(0)) if fees and len(known) == len(fees) else None


@dataclass(frozen=True, slots=True)
class Quality:
    """None is unknown, or has no meaning: ``why_not_caught`` says which."""

    heat_r: Decimal | None
    """How far the price went against it, at least 0."""
    heat_percent: Decimal | None
    caught_percent: Decimal | None
    """Of the best that the price offered."""
    left: Decimal | None
    """Money between the best point and the exit, or the price of now."""
    why_not_caught: str | None


def quality(deal: Deal, points: Extremes) -> Quality:
    """The exit itself may be better than the best point that was recorded, and worse than the worst."""
    move = deal.move(deal.last)
    worst = _furthest(deal, points.worst, points.never_worst, -1)
    best = _furthest(deal, points.best, points.never_best, 1)
    caught = move / best * 100 if move is not None and best else None
    given = best - move if best is not None and move is not None else None
    return Quality(
        heat_r=_in_r(deal, worst),
        heat_percent=-worst / deal.entry * 100 if worst is not None and deal.entry else None,
        caught_percent=caught if caught is not None and caught >= 0 else None,
        left=given * deal.quantity if given is not None and deal.quantity is not None else None,
        why_not_caught=_why_not(best, move),
    )


def _furthest(deal: Deal, point: Point | None, never: bool, sign: int) -> Decimal | None:
    """The furthest move in the position's favour (``sign`` 1) or against it, the last price included."""
    recorded = deal.move(point.price) if point is not None else Decimal(0) if never else None
    if recorded is None:
        return None
    moves = (recorded, deal.move(deal.last) or Decimal(0), Decimal(0))
    return max(moves, key=lambda move: move * sign)


def _in_r(deal: Deal, worst: Decimal | None) -> Decimal | None:
    distance = deal.move(deal.first_stop)
    return worst / distance if worst is not None and distance else None


def _why_not(best: Decimal | None, move: Decimal | None) -> str | None:
    if best is None:
        return "the best price was not recorded"
    if move is None:
        return "the exit price is not known"
    if best == 0:
        return "the price never was better than the entry"
    return "it ended worse than it began" if move < 0 else None
