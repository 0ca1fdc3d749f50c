"""R: multiples of what a position's first stop put at risk, and the one scale in R on which all positions are drawn."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

LEFT_END_FACTOR, RIGHT_END_FACTOR = -1, 2
"""Multiples of R at the ends of the scale."""


def in_r(
    pnl: Decimal | None, entry: Decimal | None, first_stop: Decimal | None, held: Decimal | None
) -> Decimal | None:
    """P&L ÷ what the first stop risked of what is held; None where that is unknown, or nothing."""
    if pnl is None or entry is None or first_stop is None or not held or entry == first_stop:
        return None
    return pnl / (abs(entry - first_stop) * abs(held))


@dataclass(frozen=True, slots=True)
class Levels:
    """Prices of one position; None is unknown, or not there."""

    direction: int
    """1 of what gains when the price rises, else -1."""
    entry: Decimal | None
    first_stop: Decimal | None
    price: Decimal | None
    stop: Decimal | None
    """Where it is now."""
    target: Decimal | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a price stands on the scale."""

    percent: float
    """From the left end, 0 to 100."""
    beyond: Literal["left", "right"] | None
    """The end that it lies beyond."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The left end is −1 R, the first stop; the entry is at a third; the right end is +2 R.

    Left is bad for long and short positions alike. A mark is None where its price is unknown, or where there is no R.
    """

    price: Mark | None
    stop: Mark | None
    target: Mark | None


def scale(levels: Levels) -> Scale:
    """Where the prices of a position stand."""
    return Scale(*(_mark(levels, price) for price in (levels.price, levels.stop, levels.target)))


def _mark(levels: Levels, price: Decimal | None) -> Mark | None:
    entry, first_stop = levels.entry, levels.first_stop
    if price is None or entry is None or first_stop is None or entry == first_stop:
        return None
    r = float((price - entry) * levels.direction / abs(entry - first_stop))
    left, right = LEFT_END_FACTOR, RIGHT_END_FACTOR
    percent = (min(max(r, left), right) - left) / (right - left) * 100
    return Mark(round(percent, 2), "left" if r < left else "right" if r > right else None)
