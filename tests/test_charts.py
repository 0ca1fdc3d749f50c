"""Curves are drawn through what is known, nothing else, over every magnitude that a price or an account can have."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize("times", [(2.0, 1.0), (0.0, math.nan), (0.0, math.inf)])
def test_refuses_times_out_of_order(times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected finite and ascending"):
        series([(at, 1.0) for at in times])
