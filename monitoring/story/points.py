"""The worst and the best point of a deal."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitoring.metrics.position_row import finite
from monitoring.story.deal import Deal, Row


@dataclass(frozen=True, slots=True)
class Point:
    """How far the price went for or against a deal. ``percent``, ``amount`` and ``r`` are signed; None is unknown."""

    at: datetime | None
    price: Decimal
    percent: Decimal | None
    amount: Decimal | None
    r: Decimal | None


@dataclass(frozen=True, slots=True)
class Extremes:
    """None where the price was not recorded, or never went that way (``never_best``, ``never_worst``)."""

    worst: Point | None
    best: Point | None
    never_worst: bool = False
    never_best: bool = False


def extremes(deal: Deal, *rows: Row | None) -> Extremes:
    """From the first of the rows, the trade's and the position's, that has them."""
    known = [row for row in rows if row is not None]
    (worst, never_worst), (best, never_best) = _point(deal, known, "mae"), _point(deal, known, "mfe")
    return Extremes(worst, best, never_worst=never_worst, never_best=never_best)


def _point(deal: Deal, rows: list[Row], column: str) -> tuple[Point | None, bool]:
    """The point, and whether there is none because the price never went that way."""
    for row in rows:
        price, at = finite(row[f"{column}_price"]), row[f"{column}_time"]
        if price is not None and price > 0:
            when = at if isinstance(at, datetime) else None
            point = Point(when, price, deal.percent(price), deal.amount(price), deal.in_r(price))
            return (None, True) if price == deal.entry else (point, False)
    return None, any(row[column] == 0 for row in rows)
