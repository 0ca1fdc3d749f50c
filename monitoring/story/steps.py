"""What happened, as a dated list: every part of a story that has a place in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from monitoring.metrics.position_row import finite, held
from monitoring.story import orders
from monitoring.story.deal import Deal, Row
from monitoring.story.decision import Decision
from monitoring.story.orders import Failure, Fill, Part, Stop
from monitoring.story.points import Extremes, Point

BEGIN, END = datetime(1, 1, 1), datetime(9999, 1, 1)
NO_DECISION = "The decision to enter: the engine logged none near the entry."
NO_ORDERS = "The orders: none is recorded for this position."
NO_POSITION = "Orders, stop and partial exits: the engine did not record which position this trade closed."
NO_STOP = "A stop: none is recorded."


@dataclass(frozen=True, slots=True)
class Entry:
    """The position was opened. ``fill`` is None where its order is not known."""

    price: Decimal | None
    quantity: Decimal | None
    fill: Fill | None


@dataclass(frozen=True, slots=True)
class Exit:
    """The position was closed. ``fill`` is None where its order is not known."""

    price: Decimal | None
    fill: Fill | None
    stop_cancelled: bool


@dataclass(frozen=True, slots=True)
class Extreme:
    """The worst or the best point."""

    best: bool
    point: Point


Happening = Decision | Entry | Stop | Part | Extreme | Failure | Exit


@dataclass(frozen=True, slots=True)
class Step:
    """``kind`` names the class of ``what``, for templates. ``at`` is None where nobody recorded when."""

    at: datetime | None
    what: Happening

    @property
    def kind(self) -> str:
        return type(self.what).__name__.lower()


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a story; what is missing is None or empty."""

    trade: Row | None
    position: Row | None
    orders: Sequence[Row] = ()
    partials: Sequence[Row] = ()
    decisions: Sequence[Row] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    """Tables that could not be read, and why, in words."""


def steps(deal: Deal, rows: Rows, decision: Decision | None, parts: Sequence[Part], points: Extremes) -> list[Step]:
    """Oldest first; what has no time stands where it belongs."""
    entry = _entry(deal, rows)
    found = [
        *([Step(decision.at, decision)] if decision else []),
        entry,
        *(Step(stop.at, stop) for stop in _stops(deal, rows)),
        *(Step(part.at, part) for part in parts),
        *(Step(failure.at, failure) for failure in orders.failures(rows.orders)),
        *(Step(point.at, Extreme(best, point)) for best, point in _known(points)),
    ]
    known = sorted(found, key=lambda step: (_place(step, deal), _rank(step)))
    return known if deal.is_open else [*known, _exit(deal, rows)]


def fills(deal: Deal, found: Sequence[Step]) -> list[tuple[str, datetime | None, Decimal | None]]:
    """What was bought and sold, of some steps, when and at what price: entry, exit or part; and the price of now."""
    traded = [(step.kind, step.at, step.what.price) for step in found if isinstance(step.what, Entry | Exit | Part)]
    return [*traded, *([("now", deal.until, deal.last)] if deal.is_open else [])]


def left_out(deal: Deal, rows: Rows, decision: Decision | None, points: Extremes) -> list[str]:
    """What the story cannot tell, and why, a sentence each."""
    found = []
    if why := rows.unread.get("strategy_executions"):
        found.append(f"The decision: {why}.")
    elif decision is None:
        found.append(NO_DECISION)
    if rows.position is None:
        return [*found, NO_POSITION, *_missing_points(points)]
    if why := rows.unread.get("orders"):
        found.append(f"The orders: {why}.")
    elif not rows.orders:
        found.append(NO_ORDERS)
    if why := rows.unread.get("partial_trades"):
        found.append(f"Partial exits: {why}.")
    if deal.stop is None and not orders.stops(deal, rows.orders):
        found.append(NO_STOP)
    return [*found, *_missing_points(points)]


def _missing_points(points: Extremes) -> list[str]:
    """In one sentence."""
    worst, best = points.worst is None and not points.never_worst, points.best is None and not points.never_best
    which = {(True, True): "worst and the best", (True, False): "worst", (False, True): "best"}.get((worst, best))
    return [f"The {which} point: the engine has not recorded the price."] if which else []


def _place(step: Step, deal: Deal) -> datetime:
    """When it happened; what was changed at a time that nobody recorded stands last."""
    moved = isinstance(step.what, Stop) and (step.what.moved or step.what.trailed)
    return step.at or (END if moved else deal.opened) or BEGIN


def _rank(step: Step) -> int:
    """The order of what happened at the same time."""
    return ("decision", "entry", "failure", "stop", "part", "extreme").index(step.kind)


def _known(points: Extremes) -> list[tuple[bool, Point]]:
    return [(best, point) for best, point in ((False, points.worst), (True, points.best)) if point is not None]


def _entry(deal: Deal, rows: Rows) -> Step:
    filled = [order for order in orders.of_kind(rows.orders, orders.ENTRY) if orders.is_filled(order)]
    fill = orders.fill_of(filled[0]) if filled else None
    at = fill.at if fill and fill.at else deal.opened
    opened = finite(rows.position["quantity"]) if rows.position is not None else None
    quantity = (fill.quantity if fill else None) or opened or deal.quantity
    return Step(at, Entry((fill.got if fill else None) or deal.entry, quantity, fill))


def _exit(deal: Deal, rows: Rows) -> Step:
    order = orders.exit_order(rows.orders)
    fill = orders.fill_of(order) if order is not None else None
    price = (fill.got if fill else None) or deal.last
    return Step(deal.until, Exit(price, fill, orders.stop_cancelled(rows.orders, deal.until)))


def _stops(deal: Deal, rows: Rows) -> list[Stop]:
    """Of the stop orders, and then the position's own where that is another: nobody recorded when it was set."""
    found = orders.stops(deal, rows.orders)
    last = found[-1].price if found else None
    if deal.stop is None or deal.stop == last or rows.position is None:
        return found
    trailed = bool(rows.position["trailing_stop_activated"] or rows.position["breakeven_triggered"])
    return [
        *found,
        Stop(None, deal.stop, last, deal.amount(deal.stop, held(rows.position)), at_exchange=False, trailed=trailed),
    ]
