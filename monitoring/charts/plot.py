"""Numbers to charts whose places are percent of the plot: x to the right, y downwards, 0 to 100 each.

Only the curve itself lies in a viewBox of 1000 x 100, which is stretched to the plot. Charts carry no words: templates
turn their values into labels. x of points is seconds since 1970 UTC, ascending; y is a number, and NaN (or None) where
it is unknown: a gap, which is never drawn over. A chart of which nothing is known is None.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from monitoring.charts.paths import Floats, Points, area, decimated, line, runs, series
from monitoring.charts.readings import Reading, readings_of_slices
from monitoring.charts.scales import FLAT_SHARE, Scale, inner_ticks, time_ticks

Edge = Literal["top", "bottom"]
BUCKET_COUNT = 120
"""A curve is drawn through the extremes of each of so many equal parts of the width."""
ROOM_ABOVE_SHARE, ROOM_BELOW_SHARE = 0.3, 0.27
"""Of the height of a curve, left free within the plot for the words of its extremes."""
BAR_ROOM_SHARE = 0.2
"""The same of bars."""
EDGE_PERCENT, BAR_EDGE_PERCENT = 10.0, 5.0
"""Nearer to an edge the words of a place begin, or end, there: in its middle they would leave the plot of a phone."""
LABEL_HEIGHT_PERCENT = 17.0
"""Labels of values that are nearer to each other would touch in the lowest plot."""
DATE_EDGE_PERCENT = 3.0
"""Dates nearer to an edge are left out, and ..."""
DATE_START_PERCENT = 5.0
"""... those nearer to the left one begin at their place."""
MAX_DATES = 5
BAR_WIDTH_SHARE = 0.72
MIN_BAR_PERCENT = 0.6
"""Bars are drawn at least this high: enough to see on which side of zero they are."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment and its value, and where they lie."""

    at: float
    value: float
    x: float
    y: float
    edge: float = EDGE_PERCENT

    @property
    def anchor(self) -> str:
        """The side on which words have room: SVG's ``text-anchor``."""
        return "start" if self.x < self.edge else "end" if self.x > 100 - EDGE_PERCENT else "middle"


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the plot at a round value; ``labelled`` where its label touches no other."""

    y: float
    value: float
    labelled: bool


@dataclass(frozen=True, slots=True)
class Date:
    """A round moment below the axis."""

    x: float
    at: float

    @property
    def anchor(self) -> str:
        """As of a mark; on the right there is always room, below the labels of the values."""
        return "start" if self.x < DATE_START_PERCENT else "middle"


@dataclass(frozen=True, slots=True)
class Plot:
    """What all charts have around their curve or bars."""

    start: float
    end: float
    rules: tuple[Rule, ...]
    dates: tuple[Date, ...]
    """At most five, at round UTC times."""
    readings: tuple[Reading, ...]
    """One for each of some slices of equal width."""
    highest: Mark | None
    """None where the words would only repeat those of the end."""
    lowest: Mark | None
    highest_value: float
    lowest_value: float

    @property
    def span_seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class LinePlot(Plot):
    """A curve. ``path`` and ``area`` are in the viewBox; there is no area where the axis is cut."""

    path: str
    area: str
    first: Mark
    last: Mark
    is_point: bool
    """Whether all that is known is one point."""
    _curve: tuple[Floats, Floats, Scale]

    def x(self, at: float) -> float | None:
        """Where a moment lies; None outside of the plot."""
        return round(_across(self)(at), 2) if self.start <= at <= self.end else None

    def places(self, times: Iterable[float]) -> list[float]:
        """Where those moments lie that are within the plot."""
        return [x for x in map(self.x, times) if x is not None]

    def on_curve(self, at: float) -> float | None:
        """The y of the curve at a moment, None where it does not go by: in a gap, or outside."""
        x, y, down = self._curve
        after = int(np.searchsorted(x, at))
        if self.x(at) is None or after >= len(x):
            return None
        around = slice(max(after - 1, 0), after + 1)
        value = float(np.interp(at, x[around], y[around]))
        return None if math.isnan(value) else round(down(value), 2)


@dataclass(frozen=True, slots=True)
class Bar:
    """One of some bars of equal width. ``value`` None: unknown, and nothing is drawn."""

    x: float
    y: float
    height: float
    value: float | None


@dataclass(frozen=True, slots=True)
class BarPlot(Plot):
    """Bars from zero."""

    bars: tuple[Bar, ...]
    bar_width: float


def line_plot(points: Points, zero: Edge | None = None) -> LinePlot | None:
    """A curve, or None where no value is known. Raises ValueError unless x is finite and ascending.

    With ``zero`` at an edge all values lie on one side of it, and the area between it and the curve is filled; without
    the axis is cut, and there is no area.
    """
    x, y = series(points)
    known = np.flatnonzero(~np.isnan(y))
    if not known.size:
        return None
    low, high = _room(float(np.nanmin(y)), float(np.nanmax(y)), zero)
    across, down = Scale(float(x[0]), float(x[-1]), 0.0, 100.0), Scale(low, high, 100.0, 0.0)
    marks = _marks(x, y, across, down)
    return LinePlot(
        start=float(x[0]),
        end=float(x[-1]),
        rules=rules_of(inner_ticks(low, high, 3), down, [marks["last"].y]),
        dates=dates_of(time_ticks(x[0], x[-1], MAX_DATES), across),
        readings=readings_of_slices(x, y, down),
        **_paths(x, y, across, down, zero is not None),
        is_point=len(known) == 1,
        **marks,
        _curve=(x, y, down),
    )


def _paths(x: Floats, y: Floats, across: Scale, down: Scale, filled: bool) -> dict[str, Any]:
    parts = runs(across.of(x) * 10, down.of(y), decimated(x, y, x[0], x[-1], BUCKET_COUNT))
    areas = [area(part, down(0.0)) for part in parts if len(part) > 1] if filled else []
    return {"path": "".join(map(line, parts)), "area": "".join(areas)}


def _marks(x: Floats, y: Floats, across: Scale, down: Scale) -> dict[str, Any]:
    known = np.flatnonzero(~np.isnan(y))
    places = known[0], known[-1], np.nanargmax(y), np.nanargmin(y)
    first, last, highest, lowest = (_mark(x, y, place, across, down) for place in places)
    is_flat = highest.y == lowest.y
    return {
        "first": first,
        "last": last,
        "highest": None if is_flat or highest.x == last.x else highest,
        "lowest": None if is_flat or lowest.x == last.x else lowest,
        "highest_value": highest.value,
        "lowest_value": lowest.value,
    }


def bar_plot(points: Points, end: float) -> BarPlot | None:
    """Bars from zero, one for each point, or None where no value is known. ``end``: when the last one's time is over.

    Bars are of equal width, whatever their times: months are not equally long.
    """
    x, y = series(points)
    if np.isnan(y).all():
        return None
    low, high = _bar_room(float(np.nanmin(y)), float(np.nanmax(y)))
    down, room = Scale(low, high, 100.0, 0.0), 100.0 / len(x)
    bars = tuple(_bar(place, value, down, room) for place, value in enumerate(y.tolist()))
    tops = [_top(at, bar, room, down) for at, bar in zip(x.tolist(), bars, strict=True)]
    return BarPlot(
        start=float(x[0]),
        end=end,
        rules=rules_of(inner_ticks(low, high, 5), down, []),
        dates=_bar_dates(tops),
        readings=tuple(Reading(top.at, bar.value, 50.0, None) for top, bar in zip(tops, bars, strict=True)),
        **_extreme_bars(tops[int(np.nanargmax(y))], tops[int(np.nanargmin(y))]),
        bars=bars,
        bar_width=round(room * BAR_WIDTH_SHARE, 2),
    )


def _extreme_bars(highest: Mark, lowest: Mark) -> dict[str, Any]:
    return {
        "highest": highest if highest.value > 0 else None,
        "lowest": lowest if lowest.value < 0 else None,
        "highest_value": highest.value,
        "lowest_value": lowest.value,
    }


def _top(at: float, bar: Bar, room: float, down: Scale) -> Mark:
    """The middle of its end."""
    value = bar.value or 0.0
    return Mark(at, value, round(bar.x + room * BAR_WIDTH_SHARE / 2, 2), round(down(value), 2), BAR_EDGE_PERCENT)


def _across(plot: LinePlot) -> Scale:
    return Scale(plot.start, plot.end, 0.0, 100.0)


def _room(low: float, high: float, zero: Edge | None) -> tuple[float, float]:
    """The values at the bottom and at the top of the plot."""
    if zero == "top":
        return min(low, 0.0) * (1 + ROOM_BELOW_SHARE) or -1.0, 0.0
    if zero == "bottom":
        return 0.0, max(high, 0.0) * (1 + ROOM_ABOVE_SHARE) or 1.0
    height = high - low
    if height <= FLAT_SHARE * max(abs(low), abs(high)):
        height = max(abs(low), abs(high)) / 100 or 1.0
    return low - ROOM_BELOW_SHARE * height, high + ROOM_ABOVE_SHARE * height


def _bar_room(low: float, high: float) -> tuple[float, float]:
    low, high = min(low, 0.0), max(high, 0.0)
    height = high - low or 1.0
    return low - BAR_ROOM_SHARE * height * (low < 0), high + BAR_ROOM_SHARE * height * (high > 0 or low == 0)


def _mark(x: Floats, y: Floats, place: np.intp, across: Scale, down: Scale) -> Mark:
    at, value = float(x[place]), float(y[place])
    return Mark(at, value, round(across(at), 2), round(down(value), 2))


def rules_of(values: Iterable[float], down: Scale, taken: Sequence[float]) -> tuple[Rule, ...]:
    """``taken``: where words stand beside the plot already."""
    places = [(round(down(value), 2), value) for value in values]
    return tuple(Rule(y, value, all(abs(y - other) > LABEL_HEIGHT_PERCENT for other in taken)) for y, value in places)


def dates_of(times: Iterable[float], across: Scale) -> tuple[Date, ...]:
    found = (Date(round(across(at), 2), at) for at in times)
    return tuple(date for date in found if DATE_EDGE_PERCENT < date.x < 100 - DATE_EDGE_PERCENT)


def _bar_dates(middles: Sequence[Mark]) -> tuple[Date, ...]:
    """Of some bars at equal distances, counted from the newest."""
    distance = -(-len(middles) // MAX_DATES)
    return tuple(Date(mark.x, mark.at) for mark in middles[::-distance][::-1])


def _bar(place: int, value: float, down: Scale, room: float) -> Bar:
    x = round((place + (1 - BAR_WIDTH_SHARE) / 2) * room, 2)
    zero, y = down(0.0), down(0.0 if math.isnan(value) else value)
    height = max(abs(zero - y), MIN_BAR_PERCENT)
    top = zero if value < 0 else zero - height
    return Bar(x, round(top, 2), round(height, 2), None if math.isnan(value) else value)
