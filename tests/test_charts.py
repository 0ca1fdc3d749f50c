"""Charts show what is known, nothing else, over every magnitude that a price or an account can have."""

import math
import re
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.charts import (
    LineChart,
    bar_chart,
    heat_class,
    line_chart,
    win_loss,
)
from monitoring.charts.paths import Points, decimated, number, runs, series

DAY = 86400.0
START = datetime(2026, 11, 22, tzinfo=UTC).timestamp()

magnitudes = st.integers(-9, 12).map(lambda exponent: 10.0**exponent)


@st.composite
def curves(draw: st.DrawFn, most: int = 300) -> list[tuple[float, float | None]]:
    """Points of one magnitude, some unknown, at uneven distances."""
    size, level = draw(magnitudes), draw(st.sampled_from([0.0, 1.0, 1e5]))
    parts = draw(st.lists(st.none() | st.floats(-1, 1), min_size=1, max_size=most))
    steps = draw(st.lists(st.sampled_from([0.0, 1.0, 60.0, DAY]), min_size=len(parts), max_size=len(parts)))
    times = START + np.cumsum(steps)
    pairs = zip(times.tolist(), parts, strict=True)
    return [(at, None if part is None else size * (level + part)) for at, part in pairs]


def moves(path: str) -> list[list[tuple[float, float]]]:
    """The points of each part of a line."""
    parts = [part.removesuffix("h.1") for part in path.split("M")[1:]]
    return [[(float(x), float(y)) for x, y in (point.split() for point in part.split("L"))] for part in parts]


@given(points=curves(), buckets=st.integers(1, 40))
def test_decimation_keeps_extremes_and_bounds(points: Points, buckets: int) -> None:
    x, y = series(points)
    kept = decimated(x, y, x[0], x[-1], buckets)
    known = np.flatnonzero(~np.isnan(y))
    assert len(kept) <= 2 * buckets + 2 or x[0] == x[-1]
    assert set(kept) <= set(known)
    if known.size:
        assert y[kept].min() == y[known].min()
        assert y[kept].max() == y[known].max()
        assert {known[0], known[-1]} <= set(kept)


@given(points=curves(), buckets=st.integers(1, 40))
def test_gaps_stay_gaps(points: Points, buckets: int) -> None:
    x, y = series(points)
    order = np.arange(len(x), dtype=float)  # positions for x: they tell which point is drawn
    kept = decimated(x, y, x[0], x[-1], buckets)
    drawn = runs(order, y, kept)
    assert sorted(int(at) for run in drawn for at, _ in run) == sorted(kept)
    for run in drawn:
        for (before, _), (after, _) in pairwise(run):
            assert not np.isnan(y[int(before) : int(after) + 1]).any()
    for run, following in pairwise(drawn):
        assert np.isnan(y[int(run[-1][0]) : int(following[0][0])]).any()


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-0.04, "0"), (33.333, "33.3"), (100.0, "100"), (1e-9, "0"), (-2.96, "-3")]
)
def test_positions_have_a_decimal_at_most(value: float, text: str) -> None:
    assert number(value) == text


@given(points=curves())
def test_lines_lie_within_the_viewbox(points: Points) -> None:
    chart = line_chart(points)
    known = [value for _, value in points if value is not None]
    if not known:
        assert chart is None
        return
    assert chart is not None
    for path in (chart.line, chart.area):
        assert not re.search(r"nan|inf|e", path)
        assert "-" not in path
    drawn = [point for run in moves(chart.line) for point in run]
    assert all(0 <= x <= 1000 and 0 <= y <= 100 for x, y in drawn)
    assert (chart.low[1], chart.high[1]) == (min(known), max(known))
    scale = (chart.grid[-1].value - chart.grid[0].value) / 100
    assert max(y for _, y in drawn) == pytest.approx((chart.grid[-1].value - min(known)) / scale, abs=0.06)
    assert min(y for _, y in drawn) == pytest.approx((chart.grid[-1].value - max(known)) / scale, abs=0.06)


@given(points=curves(most=80))
def test_readouts_are_even_slices_with_their_last_known_value(points: Points) -> None:
    chart = line_chart(points)
    if chart is None:
        return
    given_points = {(at, value) for at, value in points if value is not None}
    assert 1 <= len(chart.readouts) <= 31
    assert all(readout in given_points for readout in chart.readouts if readout[1] is not None)
    assert [at for at, _ in chart.readouts] == sorted(at for at, _ in chart.readouts)
    assert chart.last in chart.readouts


def test_a_line_by_example() -> None:
    points = [(START, 10.0), (START + DAY, 14.0), (START + 2 * DAY, None), (START + 4 * DAY, 12.0)]
    chart = line_chart(points, markers=[START + DAY, START + 9 * DAY])
    assert chart is not None
    assert chart.line == "M0 100L250 0M1000 50h.1"
    assert chart.area == "M0 100L0 100L250 0V100Z"
    assert [(tick.position, tick.value) for tick in chart.grid] == [
        (100, 10), (75, 11), (50, 12), (25, 13), (0, 14)
    ]  # fmt: skip
    assert chart.zero is None
    assert chart.markers == (250,)
    assert [(tick.position, tick.value) for tick in chart.times] == [
        (250.0 * day, START + day * DAY) for day in range(5)
    ]
    assert [value for _, value in chart.readouts] == [10.0, 14.0, None, None, 12.0]
    assert (chart.first, chart.last) == ((START, 10.0), (START + 4 * DAY, 12.0))


def drawn_y(chart: LineChart | None) -> list[float]:
    assert chart is not None
    return [y for run in moves(chart.line) for _, y in run]


def test_an_underwater_chart_hangs_from_zero() -> None:
    chart = line_chart([(0.0, 0.0), (1.0, -11.7), (2.0, -5.0)], hanging=True)
    assert chart is not None
    assert [tick.value for tick in chart.grid] == [-20.0, -10.0, 0.0]
    assert chart.zero == 0.0
    assert chart.area == "M0 0L0 0L500 58.5L1000 25V0Z"


def test_no_drawdown_lies_at_the_top() -> None:
    chart = line_chart([(0.0, 0.0), (1.0, 0.0)], hanging=True)
    assert drawn_y(chart) == [0.0, 0.0]
    assert chart is not None
    assert (chart.grid[0].value, chart.grid[-1].value) == (-1.0, 0.0)


def test_a_flat_line_lies_in_the_middle() -> None:
    assert drawn_y(line_chart([(0.0, 5.0), (1.0, 5.0)])) == [50.0, 50.0]


def test_a_single_point_is_a_dot() -> None:
    chart = line_chart([(START, 5.0)])
    assert chart is not None
    assert (chart.line, chart.area, chart.times) == ("M500 50h.1", "", ())
    assert chart.readouts == ((START, 5.0),)


def test_what_is_unknown_has_no_chart() -> None:
    for points in ([], [(0.0, None)], [(0.0, math.nan), (1.0, math.inf)]):
        assert line_chart(points) is None
        assert bar_chart(points) is None


@pytest.mark.parametrize("times", [(2.0, 1.0), (0.0, math.nan), (0.0, math.inf)])
def test_refuses_times_out_of_order(times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected finite and ascending"):
        line_chart([(at, 1.0) for at in times])


@given(points=curves(most=120))
def test_bars_stand_on_their_side_of_zero(points: Points) -> None:
    chart = bar_chart(points)
    if chart is None:
        return
    known = [value for _, value in points if value is not None]
    for path, expected in (
        (chart.up, sum(value > 0 for value in known)),
        (chart.down, sum(value < 0 for value in known)),
        (chart.flat, sum(value == 0 for value in known)),
    ):
        assert path.count("M") == expected
        assert not re.search(r"nan|inf|e", path)
    tops = [float(top) for top in re.findall(r"V([\d.-]+)h", chart.up)]
    bottoms = [float(bottom) for bottom in re.findall(r"V([\d.-]+)h", chart.down)]
    assert all(top < chart.zero for top in tops)
    assert all(bottom > chart.zero for bottom in bottoms)
    assert chart.zero in [tick.position for tick in chart.grid if tick.value == 0]
    assert len(chart.readouts) == min(31, len(points))
    assert 1 <= len(chart.times) <= 5


def test_bars_by_example() -> None:
    days = [(START + day * DAY, value) for day, value in enumerate([10.0, -5.0, None, 0.0])]
    chart = bar_chart(days)
    assert chart is not None
    assert chart.up == "M35 66.7V0h180V66.7z"
    assert chart.down == "M285 66.7V100h180V66.7z"
    assert chart.flat == "M785 66.7h180"
    assert [tick.value for tick in chart.grid] == [-5.0, 0.0, 5.0, 10.0]
    assert chart.zero == 66.7
    assert chart.readouts == tuple(days)
    assert [(tick.position, tick.value) for tick in chart.times] == [
        (125.0 + 250 * day, START + day * DAY) for day in range(4)
    ]


def test_many_bars_share_readouts() -> None:
    chart = bar_chart([(day * DAY, float(day)) for day in range(90)])
    assert chart is not None
    assert len(chart.readouts) == 31
    assert chart.readouts[-1] == (89 * DAY, 89.0)
    assert chart.readouts[0] == (2 * DAY, 2.0)


def test_win_loss_strip_runs_from_old_to_new() -> None:
    strip = win_loss("WLB?")
    assert strip is not None
    assert (strip.width, strip.wins, strip.losses, strip.breakeven) == (40, 1, 1, 1)
    assert strip.up == "M31 9V0h7v9z"
    assert strip.down == "M21 11v9h7v-9z"
    assert strip.flat == "M11 9h7v2h-7z"
    assert win_loss("") is None


@pytest.mark.parametrize(
    ("value", "css"),
    [
        (None, ""), (math.nan, ""), (0.0, ""),
        (0.1, "u1"), (1.99, "u1"), (2.0, "u2"), (5.0, "u3"), (80.0, "u3"),
        (-0.1, "d1"), (-2.0, "d2"), (-99.0, "d3"),
    ],
)  # fmt: skip
def test_heat_has_three_shades_either_way(value: float | None, css: str) -> None:
    assert heat_class(value, (2.0, 5.0)) == css
