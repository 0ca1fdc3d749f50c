"""Charts show what is known, nothing else, over every magnitude that a price or an account can have."""

import math
import re
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring.charts import (
    LineChart,
    Points,
    bar_chart,
    heat_class,
    line_chart,
    nice_ticks,
    time_ticks,
    win_loss,
)
from monitoring.charts.paths import decimated, number, runs, series

DAY = 86400.0
START = datetime(2026, 11, 22, tzinfo=UTC).timestamp()

magnitudes = st.integers(-9, 12).map(lambda exponent: 10.0**exponent)
values = st.builds(lambda size, part: size * part, magnitudes, st.floats(-1, 1))


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


@given(low=values, high=values, count=st.integers(3, 7))
@example(low=0.0, high=5e-324, count=3)
def test_ticks_are_round_even_and_cover(low: float, high: float, count: int) -> None:
    low, high = min(low, high), max(low, high)
    ticks = nice_ticks(low, high, count)
    step = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    assert 2 <= len(ticks) <= count + 2
    assert ticks == sorted(set(ticks))
    assert ticks[0] <= low + 1e-6 * step
    assert ticks[-1] >= high - 1e-6 * step
    precision = max(abs(ticks[0]), abs(ticks[-1])) * 1e-15
    assert [b - a for a, b in pairwise(ticks)] == pytest.approx([step] * (len(ticks) - 1), rel=1e-3, abs=8 * precision)
    leading = step / 10 ** math.floor(math.log10(step * 1.0001))
    assert min(abs(leading - factor) for factor in (1, 2, 2.5, 5)) < 1e-3 + 20 * precision / step


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (10_000.0, 11_547.1, [10_000.0, 10_500.0, 11_000.0, 11_500.0, 12_000.0]),
        (-11.7, 0.0, [-15.0, -10.0, -5.0, 0.0]),
        (1.1e-9, 1.9e-9, [1e-9, 1.2e-9, 1.4e-9, 1.6e-9, 1.8e-9, 2e-9]),
        (0.0, 0.0, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        (100.0, 100.0, [99.0, 99.5, 100.0, 100.5, 101.0]),
        (100.0, 100.0 + 1e-8, [99.0, 99.5, 100.0, 100.5, 101.0, 101.5]),
        (0.3, 0.7, [0.3, 0.4, 0.5, 0.6, 0.7]),
    ],
)
def test_ticks_by_example(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks, rel=1e-12)


@pytest.mark.parametrize(("low", "high"), [(math.nan, 1.0), (0.0, math.inf), (-1e308, 1e308)])
def test_ticks_refuse_what_has_no_scale(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="expected two finite numbers"):
        nice_ticks(low, high)


@pytest.mark.parametrize(
    ("start", "end", "ticks"),
    [
        ("2026-11-21 14:30", "2026-11-22 14:30", ["11-21 18:00", "11-22 00:00", "11-22 06:00", "11-22 12:00"]),
        ("2026-11-22 00:00", "2026-11-23 00:00", [f"11-22 {h:02}:00" for h in (0, 6, 12, 18)] + ["11-23 00:00"]),
        ("2026-11-15 14:30", "2026-11-22 14:30", ["11-17 00:00", "11-19 00:00", "11-21 00:00"]),
        ("2026-10-23 14:30", "2026-11-22 14:30", [f"{d} 00:00" for d in ("10-26", "11-02", "11-09", "11-16")]),
        ("2026-08-24 14:30", "2026-11-22 14:30", [f"{d} 00:00" for d in ("09-01", "10-01", "11-01")]),
        ("2025-11-22 14:30", "2026-11-22 14:30", [f"{d} 00:00" for d in ("01-01", "04-01", "07-01", "10-01")]),
        ("2026-11-22 14:30", "2026-11-22 14:35", ["11-22 14:30", "11-22 14:32", "11-22 14:34"]),
    ],
)
def test_time_ticks_by_example(start: str, end: str, ticks: list[str]) -> None:
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() for text in (start, end)]
    found = [f"{datetime.fromtimestamp(at, UTC):%m-%d %H:%M}" for at in time_ticks(*moments)]
    assert found == ticks


@given(start=st.integers(0, 4 * 10**9), span=st.integers(60, 40 * 365 * 86400), most=st.integers(2, 8))
def test_time_ticks_are_few_round_and_inside(start: int, span: int, most: int) -> None:
    ticks = time_ticks(start, start + span, most)
    assert len(ticks) <= most
    assert ticks == sorted(set(ticks))
    assert all(start <= at <= start + span for at in ticks)
    moments = [datetime.fromtimestamp(at, UTC) for at in ticks]
    if span > 2 * 365 * DAY:
        assert all((m.day, m.hour, m.minute, m.second) == (1, 0, 0, 0) for m in moments)
    elif span > 10 * DAY:
        assert all((m.hour, m.minute, m.second) == (0, 0, 0) for m in moments)
    if most >= 4 and span >= 3600:
        assert ticks


def test_no_time_has_no_ticks() -> None:
    assert time_ticks(5.0, 5.0) == time_ticks(5.0, 4.0) == []


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
    chart = line_chart(points, markers=[(START + DAY, "deposit"), (START + 9 * DAY, "later")])
    assert chart is not None
    assert chart.line == "M0 100L250 0M1000 50h.1"
    assert chart.area == "M0 100L0 100L250 0V100Z"
    assert [(tick.position, tick.value) for tick in chart.grid] == [
        (100, 10), (75, 11), (50, 12), (25, 13), (0, 14)
    ]  # fmt: skip
    assert chart.zero is None
    assert [(marker.position, marker.label) for marker in chart.markers] == [(250, "deposit")]
    assert [(tick.position, tick.value) for tick in chart.times] == [
        (250.0 * day, START + day * DAY) for day in range(5)
    ]
    assert [value for _, value in chart.readouts] == [10.0, 14.0, None, None, 12.0]
    assert (chart.first, chart.last) == ((START, 10.0), (START + 4 * DAY, 12.0))


def drawn_y(chart: LineChart | None) -> list[float]:
    assert chart is not None
    return [y for run in moves(chart.line) for _, y in run]


def test_an_underwater_chart_hangs_from_zero() -> None:
    chart = line_chart([(0.0, 0.0), (1.0, -11.7), (2.0, -5.0)], high=0.0, base=0.0, ticks=3)
    assert chart is not None
    assert [tick.value for tick in chart.grid] == [-20.0, -10.0, 0.0]
    assert chart.zero == 0.0
    assert chart.area == "M0 0L0 0L500 58.5L1000 25V0Z"


def test_no_drawdown_lies_at_the_top() -> None:
    chart = line_chart([(0.0, 0.0), (1.0, 0.0)], high=0.0, base=0.0)
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


def test_a_span_leaves_room_and_leaves_out() -> None:
    points = [(START + day * DAY, float(day)) for day in range(-5, 3)]
    chart = line_chart(points, span=(START, START + 10 * DAY))
    assert chart is not None
    assert [x for run in moves(chart.line) for x, _ in run] == [0.0, 100.0, 200.0]
    assert chart.low[1] == 0.0
    assert len(chart.readouts) == 11
    assert [value for _, value in chart.readouts][:4] == [0.0, 1.0, 2.0, None]


def test_what_is_unknown_has_no_chart() -> None:
    for points in ([], [(0.0, None)], [(0.0, math.nan), (1.0, math.inf)]):
        assert line_chart(points) is None
        assert bar_chart(points) is None
    assert line_chart([(0.0, 1.0)], span=(5.0, 6.0)) is None


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
    chart = bar_chart(days, gap=0.2)
    assert chart is not None
    assert chart.up == "M25 66.7V0h200V66.7z"
    assert chart.down == "M275 66.7V100h200V66.7z"
    assert chart.flat == "M775 66.7h200"
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
