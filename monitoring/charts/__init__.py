"""Numbers to the geometry of hand-made SVG charts: line, bars, win/loss strip, heatmap cell.

All in a viewBox of 1000 x 100, y downwards. Charts carry no words: tick and readout VALUES are given, and
templates turn them into labels with the formatting filters. x is seconds since 1970 UTC, ascending; y is a
number, and None (or NaN) where it is unknown: a gap, which is never drawn over. A chart of which nothing is
known is None, so that the template can say so.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.charts.paths import Floats, Points, Positions, area, decimated, line, number, runs, series
from monitoring.charts.scales import Scale, Tick, nice_ticks, time_ticks

__all__ = [
    "BarChart",
    "LineChart",
    "Tick",
    "WinLoss",
    "bar_chart",
    "heat_class",
    "line_chart",
    "win_loss",
]

Readouts = tuple[tuple[float, float | None], ...]

VIEW_BOX = (1000.0, 100.0)
"""Width and height."""
BUCKET_COUNT = 180
"""A line is drawn through the extremes of each of so many equal parts of the width."""
MAX_READOUTS = 31
"""As many as a finger can tell apart."""
GAP_SHARE = 0.28
"""Of a bar's room left empty."""
MIN_BAR_PIXELS = 0.5
"""Bars are drawn at least this high: enough to see on which side of zero they are."""


@dataclass(frozen=True, slots=True)
class LineChart:
    """A line, the area below it, and what stands around them."""

    line: str
    area: str
    grid: tuple[Tick, ...]
    """y ticks at equal distances, lowest value first (position 100), highest last (position 0)."""
    zero: float | None
    """y of the grid line at 0, where there is one."""
    times: tuple[Tick, ...]
    """x ticks at round UTC times, at most five, so not at equal distances from the edges: place them by position."""
    readouts: Readouts
    """(x, y) for equal slices of the width, the last known of each; y is None where a slice knows none."""
    markers: tuple[float, ...]
    """x of each event."""
    start: float
    end: float
    first: tuple[float, float]
    last: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars of equal width from the zero line, one for each point; a point that is unknown has none."""

    up: str
    down: str
    flat: str
    """A hairline for each value of exactly zero."""
    grid: tuple[Tick, ...]
    zero: float
    times: tuple[Tick, ...]
    """At most five bars, by their middle and their x value."""
    readouts: Readouts
    low: tuple[float, float]
    high: tuple[float, float]


@dataclass(frozen=True, slots=True)
class WinLoss:
    """A strip of trades in a viewBox of width x 20, oldest left: wins rise, losses hang, breakeven is a dash."""

    width: int
    up: str
    down: str
    flat: str
    wins: int
    losses: int
    breakeven: int


def line_chart(points: Points, *, markers: Sequence[float] = (), hanging: bool = False) -> LineChart | None:
    """A line chart, or None where no value is known. Raises ValueError unless x is finite and ascending.

    ``markers`` are moments of events. A ``hanging`` chart shows values of zero and below, its area reaching up to zero.
    """
    x, y = series(points)
    known = np.flatnonzero(~np.isnan(y))
    if not known.size:
        return None
    start, end, low, high = float(x[0]), float(x[-1]), float(y[known].min()), float(y[known].max())
    grid = _hanging_grid(low) if hanging else _grid(low, high)
    across = Scale(start, end, 0.0, VIEW_BOX[0])
    path, filled = _paths(x, y, across, _down(grid), floor=0.0 if hanging else grid[0].value)
    return LineChart(
        line=path,
        area=filled,
        grid=grid,
        zero=next((tick.position for tick in grid if tick.value == 0), None),
        times=tuple(Tick(round(across(at), 1), at) for at in time_ticks(start, end)),
        readouts=_readouts(x, y, start, end),
        markers=tuple(round(across(at), 1) for at in markers if start <= at <= end),
        start=start,
        end=end,
        **_named_points(x, y, first=known[0], last=known[-1], low=np.nanargmin(y), high=np.nanargmax(y)),
    )


def bar_chart(points: Points) -> BarChart | None:
    """Bars from zero, or None where no value is known."""
    x, y = series(points)
    known = np.flatnonzero(~np.isnan(y))
    if not known.size:
        return None
    grid = _grid(min(float(y[known].min()), 0.0), max(float(y[known].max()), 0.0))
    down, room = _down(grid), VIEW_BOX[0] / len(x)
    labelled = np.unique(np.linspace(0, len(x) - 1, min(5, len(x))).round().astype(np.intp))
    slices = np.arange(len(x)) * min(len(x), MAX_READOUTS) // len(x)
    return BarChart(
        up=_bars(y, np.flatnonzero(y > 0), down, room),
        down=_bars(y, np.flatnonzero(y < 0), down, room),
        flat=_bars(y, np.flatnonzero(y == 0), down, room),
        grid=grid,
        zero=round(down(0.0), 1),
        times=tuple(Tick(round((bar + 0.5) * room, 1), float(x[bar])) for bar in labelled.tolist()),
        readouts=_last_known(x, y, slices, x[np.flatnonzero(np.diff(slices, append=len(x)))]),
        **_named_points(x, y, low=np.nanargmin(y), high=np.nanargmax(y)),
    )


def win_loss(outcomes: str) -> WinLoss | None:
    """The strip of ``outcomes`` (W, L, B, newest first), or None without any. Other letters leave a hole."""
    if not outcomes:
        return None
    oldest_first = outcomes[::-1]

    def path(letter: str, shape: str) -> str:
        return "".join(f"M{i * 10 + 1} {shape}" for i, outcome in enumerate(oldest_first) if outcome == letter)

    return WinLoss(
        width=len(outcomes) * 10,
        up=path("W", "9V0h7v9z"),
        down=path("L", "11v9h7v-9z"),
        flat=path("B", "9h7v2h-7z"),
        wins=outcomes.count("W"),
        losses=outcomes.count("L"),
        breakeven=outcomes.count("B"),
    )


def heat_class(value: float | None, limits: Sequence[float]) -> str:
    """CSS class of a heatmap cell: u1, u2, … for gains, d1, d2, … for losses; empty for zero and unknown.

    The number is 1 and one more for each of the ascending ``limits`` that the size of the value reaches.
    """
    if value is None or math.isnan(value) or value == 0:
        return ""
    return f"{'u' if value > 0 else 'd'}{1 + bisect_right(limits, abs(value))}"


def _grid(low: float, high: float, count: int = 5) -> tuple[Tick, ...]:
    values, height = nice_ticks(low, high, count), VIEW_BOX[1]
    step = height / (len(values) - 1)
    return tuple(Tick(round(height - position * step, 1), value) for position, value in enumerate(values))


def _hanging_grid(low: float) -> tuple[Tick, ...]:
    """Zero is at the top, and all the room below it, even where the line never leaves it."""
    return _grid(low or -1.0, 0.0, count=3)


def _down(grid: tuple[Tick, ...]) -> Scale:
    return Scale(grid[0].value, grid[-1].value, VIEW_BOX[1], 0.0)


def _paths(x: Floats, y: Floats, across: Scale, down: Scale, floor: float) -> tuple[str, str]:
    """Of the line, and of the area between it and the floor."""
    kept = decimated(x, y, across.low, across.high, BUCKET_COUNT)
    parts = runs(across.of(x), down.of(y), kept)
    return "".join(map(line, parts)), "".join(area(part, down(floor)) for part in parts if len(part) > 1)


def _bars(y: Floats, bars: Positions, down: Scale, room: float) -> str:
    zero, width = down(0.0), number(room * (1 - GAP_SHARE))
    paths = []
    for bar in bars:
        height = math.copysign(max(abs(zero - down(float(y[bar]))), MIN_BAR_PIXELS), y[bar]) if y[bar] else 0.0
        left = number((float(bar) + GAP_SHARE / 2) * room)
        side = f"V{number(zero - height)}h{width}V{number(zero)}z" if height else f"h{width}"
        paths.append(f"M{left} {number(zero)}{side}")
    return "".join(paths)


def _readouts(x: Floats, y: Floats, start: float, end: float) -> Readouts:
    """As many slices of equal width as the points' usual distance asks for, at most MAX_READOUTS."""
    width = end - start
    distance = float(np.median(np.diff(x))) if len(x) > 1 else width
    count = min(MAX_READOUTS, round(width / distance) + 1) if distance > 0 else 1 if width <= 0 else MAX_READOUTS
    part = width / count
    slices = np.minimum((x - start) / part, count - 1).astype(np.intp) if part > 0 else np.zeros(len(x), np.intp)
    return _last_known(x, y, slices, start + (np.arange(count) + 0.5) * part)


def _last_known(x: Floats, y: Floats, slices: Positions, empty: Iterable[float]) -> Readouts:
    """(x, y) of the last known point of each slice; (``empty`` of the slice, None) where there is none."""
    found: list[tuple[float, float | None]] = [(float(at), None) for at in empty]
    known = np.flatnonzero(~np.isnan(y))
    for position in known[np.append(np.diff(slices[known]) != 0, True)] if len(known) else known:
        found[slices[position]] = _point(x, y, position)
    return tuple(found)


def _named_points(x: Floats, y: Floats, **positions: np.intp) -> dict[str, tuple[float, float]]:
    return {name: _point(x, y, position) for name, position in positions.items()}


def _point(x: Floats, y: Floats, position: np.intp) -> tuple[float, float]:
    return float(x[position]), float(y[position])
