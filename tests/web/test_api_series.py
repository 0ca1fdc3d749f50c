"""How curves are thinned, and the drawdown along them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.ledger.days import BALANCE, CLOSE, HIGH, INDEX, INDEX_LOW, LOW, TIME
from monitoring.metrics.facts import Series
from monitoring.web.api.series import drawdown_at_close, thinned

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


def steps(*rows: tuple[float, float]) -> Series:
    """Steps of (highest, last) equity without flows."""
    made = np.zeros((len(rows), 7))
    for position, (high, close) in enumerate(rows):
        made[position, [LOW, CLOSE, INDEX, INDEX_LOW, BALANCE]] = close
        made[position, [HIGH, TIME]] = high, position * 600
    return made


def test_drawdown_is_measured_from_highs_within_steps() -> None:
    assert drawdown_at_close(steps((100, 100), (200, 150), (160, 160)), None) == pytest.approx([0, 25, 20])


def test_drawdown_is_measured_from_the_initial_balance() -> None:
    assert drawdown_at_close(steps((80, 80), (90, 90)), 100.0) == pytest.approx([20, 10])


def test_an_account_that_is_gone() -> None:
    assert drawdown_at_close(steps((100, 100), (0, 0), (50, 0)), None) == pytest.approx([0, 100, 100])
