"""How curves are thinned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.web.api.series import thinned

values = st.floats(0, 1e6, allow_nan=False)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=400), st.integers(8, 100))
def test_thinning_keeps_the_extremes_and_the_end(points: list[tuple[float, float]], most: int) -> None:
    equity, drawdown = np.array(points).T
    kept = thinned(equity, drawdown, most)
    assert len(kept) <= most
    assert (np.diff(kept) > 0).all()
    assert kept[-1] == len(points) - 1
    assert equity[kept].min() == equity.min()
    assert equity[kept].max() == equity.max()
    assert drawdown[kept].max() == drawdown.max()


@pytest.mark.parametrize("count", [0, 1, 8])
def test_a_short_curve_is_left_alone(count: int) -> None:
    series = np.arange(float(count))
    assert thinned(series, series, 8).tolist() == list(range(count))
