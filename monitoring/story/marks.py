"""Entry, exit and partial exits on the price chart, and where their words have room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, product
from typing import Literal

import numpy as np

from monitoring.charts.paths import Floats

DISTANCES_PIXELS = (-14, 22, -30, 38)
"""How far below its mark the line of words may stand, the best first."""
MIDDLE_PIXELS = -4
"""From the line on which words stand to their middle."""
OUTSIDE_FACTOR, WORDS_FACTOR, LEVEL_FACTOR = 1000, 100, 20
"""How much worse it is that words leave the plot, touch others, or a level, than a hundredth of the curve."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a plot the words of a mark take."""

    width: float
    """In percent."""
    line: float
    """The height of a line in percent."""
    pixels: int
    """The height of the plot."""


ROOMS = (Room(48, 10, 160), Room(14, 6, 272))
"""On a narrow phone, and on a screen."""

Anchor = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Point:
    """The entry, the exit, a partial exit, or now; x and y in percent of the plot."""

    kind: str
    x: float
    y: float
    price: Decimal


@dataclass(frozen=True, slots=True)
class Mark(Point):
    """One with words, which begin or end at it (``anchor``), ``dy`` pixels below."""

    anchor: Anchor
    dy: int

    def span(self, room: Room) -> tuple[float, float]:
        """From where to where its words reach."""
        return (self.x, self.x + room.width) if self.anchor == "start" else (self.x - room.width, self.x)

    def height(self, room: Room) -> float:
        """Of the middle of its words."""
        return self.y + (self.dy + MIDDLE_PIXELS) / room.pixels * 100

    def touches(self, other: "Mark", room: Room) -> bool:
        (left, right), (other_left, other_right) = self.span(room), other.span(room)
        beside = left >= other_right or other_left >= right
        return not beside and abs(self.height(room) - other.height(room)) < room.line


def with_words(points: Sequence[Point], x: Floats, y: Floats, levels: Sequence[float]) -> tuple[Mark, ...]:
    """Each where its words touch the curve (``x``, ``y``, in percent; NaN in gaps), the levels and the others least.

    The kinds of the points differ.
    """
    known = ~np.isnan(y)
    grid = np.linspace(0, 100, 101)
    curve = np.interp(grid, x[known], y[known], left=np.nan, right=np.nan)
    costs = {
        mark: sum(_cost(mark, room, grid, curve, levels) for room in ROOMS)
        for point in points
        for mark in _candidates(point)
    }
    ways = product(*([mark for mark in costs if mark.kind == point.kind] for point in points))
    return min(ways, key=lambda marks: sum(costs[mark] for mark in marks) + _touches(marks) * WORDS_FACTOR)


def _candidates(point: Point) -> Iterator[Mark]:
    anchors: tuple[Anchor, Anchor] = ("start", "end") if point.kind == "entry" else ("end", "start")
    for anchor, dy in product(anchors, DISTANCES_PIXELS):
        yield Mark(point.kind, point.x, point.y, point.price, anchor, dy)


def _cost(mark: Mark, room: Room, grid: Floats, curve: Floats, levels: Sequence[float]) -> float:
    (left, right), middle, half = mark.span(room), mark.height(room), room.line / 2
    outside = left < 0 or right > 100 or not half <= middle <= 100 - half
    crossed = (grid >= left) & (grid <= right) & (np.abs(curve - middle) < half)
    near = sum(abs(level - middle) < half for level in levels)
    return outside * OUTSIDE_FACTOR + near * LEVEL_FACTOR + float(crossed.sum())


def _touches(marks: Sequence[Mark]) -> int:
    """How many of them touch another."""
    return sum(one.touches(other, room) for one, other in combinations(marks, 2) for room in ROOMS)
