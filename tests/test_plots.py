"""Plots show what is known, nothing else, at its true time, over every magnitude that an account can have."""

import itertools
import math
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring.charts.paths import Points
from monitoring.charts.plot import LABEL_HEIGHT_PERCENT, Mark, bar_plot, line_plot
from monitoring.charts.readings import MAX_READINGS

DAY = 86400.0
START = datetime(2026, 11, 22, tzinfo=UTC).timestamp()

magnitudes = st.integers(-9, 12).map(lambda exponent: 10.0**exponent)


@st.composite
def curves(draw: st.DrawFn, most: int = 200) -> list[tuple[float, float | None]]:
    """Points of one magnitude, some unknown, at uneven distances."""
    size, level = draw(magnitudes), draw(st.sampled_from([0.0, 1.0, 1e5]))
    parts = draw(st.lists(st.none() | st.floats(-1, 1), min_size=1, max_size=most))
    steps = draw(st.lists(st.sampled_from([0.0, 1.0, 60.0, DAY]), min_size=len(parts), max_size=len(parts)))
    times = START + np.cumsum(steps)
    pairs = zip(times.tolist(), parts, strict=True)
    return [(at, None if part is None else size * (level + part)) for at, part in pairs]


def known(points: Points) -> set[tuple[float, float]]:
    return {(at, value) for at, value in points if value is not None}


@given(points=curves())
def test_extremes_and_readings_are_points_of_the_curve(points: Points) -> None:
    plot = line_plot(points)
    if plot is None:
        assert not known(points)
        return
    values = [value for _, value in known(points)]
    assert (plot.lowest_value, plot.highest_value) == (min(values), max(values))
    shown = [mark for mark in (plot.first, plot.last, plot.highest, plot.lowest) if mark is not None]
    assert {(mark.at, mark.value) for mark in shown} <= known(points)
    assert {(one.at, one.value) for one in plot.readings if one.value is not None} <= known(points)
    assert 1 <= len(plot.readings) <= MAX_READINGS


@given(points=curves())
def test_everything_lies_within_the_plot(points: Points) -> None:
    plot = line_plot(points)
    if plot is None:
        return
    assert not re.search(r"nan|inf|e|-", plot.path)
    places = [plot.first.y, plot.last.y, *(rule.y for rule in plot.rules)]
    places += [reading.y for reading in plot.readings if reading.y is not None]
    places += [date.x for date in plot.dates]
    assert all(0 <= place <= 100 for place in places)
    assert all(0 <= reading.x <= 100 for reading in plot.readings)


@given(points=curves())
def test_labels_of_values_keep_their_distance(points: Points) -> None:
    plot = line_plot(points)
    if plot is None:
        return
    labels = sorted([plot.last.y, *(rule.y for rule in plot.rules if rule.labelled)])
    assert all(later - earlier > LABEL_HEIGHT_PERCENT for earlier, later in itertools.pairwise(labels))


@given(points=curves())
def test_a_reading_is_the_point_nearest_to_the_middle(points: Points) -> None:
    plot = line_plot(points)
    if plot is None or plot.start == plot.end:
        return
    width = (plot.end - plot.start) / len(plot.readings)
    times = sorted({at for at, _ in known(points)})
    for number, reading in enumerate(plot.readings):
        left = plot.start + number * width
        inside = [at for at in times if left + 1e-5 < at < left + width - 1e-5]
        if inside and reading.value is not None:
            middle = left + width / 2
            assert abs(reading.at - middle) <= min(abs(at - middle) for at in inside) + 1e-5
        assert not inside or reading.value is not None


def test_a_gap_is_no_reading() -> None:
    hours = [(START + 3600 * n, 100.0 + n) for n in range(10)]
    later = [(START + 3600 * (40 + n), 90.0) for n in range(10)]
    plot = line_plot([*hours, (START + 3600 * 9 + 1, None), *later])
    assert plot is not None
    assert plot.path.count("M") == 2
    values = [reading.value for reading in plot.readings]
    assert values[0] == 100
    assert values[-1] == 90
    assert None in values[15:30]
    assert plot.on_curve(START + 20 * 3600) is None
    assert plot.on_curve(START + 4.5 * 3600) is not None


def test_the_end_is_written_once() -> None:
    rising = line_plot([(START, 1.0), (START + 60, 2.0), (START + 120, 3.0)])
    flat = line_plot([(START, 5.0), (START + 60, 5.0)])
    assert rising is not None
    assert flat is not None
    assert rising.highest is None
    assert rising.lowest is not None
    assert (flat.highest, flat.lowest) == (None, None)
    assert 0 < flat.last.y < 100


def test_a_cut_axis_has_no_area_and_drawdown_has_one() -> None:
    points = [(START, 0.0), (START + 60, -11.7), (START + 120, -5.0)]
    cut, hanging = line_plot(points), line_plot(points, zero="top")
    assert cut is not None
    assert hanging is not None
    assert not cut.area
    assert hanging.area.startswith("M0 0L0 0L")
    assert hanging.first.y == 0


@pytest.mark.parametrize(("x", "anchor"), [(0.0, "start"), (50.0, "middle"), (99.0, "end")])
def test_words_stand_on_the_side_with_room(x: float, anchor: str) -> None:
    assert Mark(0.0, 1.0, x, 50.0).anchor == anchor


@given(values=st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=92))
@example(values=[5e-324])
def test_bars_begin_at_zero_and_unknown_days_have_none(values: list[float | None]) -> None:
    plot = bar_plot([(START + DAY * n, value) for n, value in enumerate(values)], START + DAY * len(values))
    if plot is None:
        assert set(values) == {None}
        return
    assert [bar.value for bar in plot.bars] == values
    assert len(plot.readings) == len(values)
    zero = next(rule.y for rule in plot.rules if rule.value == 0)
    for bar in plot.bars:
        if bar.value is not None:
            end = bar.y if bar.value < 0 else bar.y + bar.height
            assert math.isclose(end, zero, abs_tol=0.05)
            assert 0 <= bar.x < bar.x + plot.bar_width <= 100.01
