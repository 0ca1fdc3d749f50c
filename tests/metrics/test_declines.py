"""The worst drawdowns, against a definition in a few lines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics.declines import Decline, share_below_peak, worst_declines
from monitoring.metrics.trade_shape import shape_of


def found(values: list[float], base: float | None = None, count: int = 5) -> list[Decline]:
    times, prices = np.arange(len(values), dtype=float), np.array(values, dtype=float)
    peaks = np.fmax.accumulate(np.append(base or 0.0, prices))[1:]
    return worst_declines(times, prices, (1 - prices / peaks) * 100, base, count)


def naive(values: list[float], base: float | None) -> list[tuple[float, int | None, int, int | None]]:
    """(depth, peak, valley, recovery) of every decline, by a walk over the points."""
    peak, peak_at, start, runs = base or 0.0, None, None, []
    for place, value in enumerate([*values, None]):
        if value is None or value >= peak:
            if start is not None:
                part = values[start:place]
                runs.append((100 * (1 - min(part) / peak), peak_at, start + int(np.argmin(part)),
                             None if value is None else place))  # fmt: skip
            start = None
            peak, peak_at = (value or peak), place
        elif start is None:
            start = place
    return sorted(runs, key=lambda run: -run[0])


@given(st.lists(st.integers(50, 150), min_size=1, max_size=60), st.none() | st.integers(50, 150))
def test_worst_drawdowns_are_those_of_a_walk(values: list[int], base: int | None) -> None:
    shown = found([float(value) for value in values], None if base is None else float(base), count=100)
    expected = naive([float(value) for value in values], base)
    assert sorted((one.peak_at, one.valley_at, one.recovered_at) for one in map(_plain, shown)) == sorted(
        map(_key, expected)
    )
    assert [one.depth for one in shown] == pytest.approx([depth for depth, *_ in expected])


def _plain(one: Decline) -> Decline:
    return Decline(one.depth, -1.0 if one.peak_at is None else one.peak_at, one.valley_at,
                   -1.0 if one.recovered_at is None else one.recovered_at)  # fmt: skip


def _key(run: tuple[float, int | None, int, int | None]) -> tuple[float, float, float]:
    return tuple(-1.0 if at is None else float(at) for at in run[1:])  # type: ignore[return-value]


def test_a_loss_from_the_start_is_from_the_initial_balance() -> None:
    (one,) = found([90, 80, 95], base=100.0)
    assert one == Decline(pytest.approx(20), None, 1.0, None)


def test_unknown_prices_take_no_part() -> None:
    (one,) = found([100.0, np.nan, 80.0, np.nan, 100.0])
    assert (one.depth, one.peak_at, one.valley_at, one.recovered_at) == (pytest.approx(20), 0, 2, 4)


def test_a_decline_that_would_read_zero_is_none() -> None:
    assert found([100.0, 99.999, 100.0]) == []
    assert found([]) == []


def test_time_below_the_peak_runs_from_peak_to_recovery() -> None:
    times = np.array([0.0, 1, 2, 3, 10])
    assert share_below_peak(times, np.array([100.0, 90, 100, 110, 120]), None) == pytest.approx(20)
    assert share_below_peak(times[:1], np.array([100.0]), None) is None


def test_streaks_and_holding_times_by_outcome() -> None:
    nets = np.array([1.0, 2, -1, np.nan, 3, 4, 5, 0, -2, -2])
    seconds = np.array([10, 20, 30, 99, 30, 40, 50, 99, 50, 70])
    shape = shape_of(nets, np.array([1.0, np.nan] * 5), seconds)
    assert (shape.longest_wins, shape.longest_losses) == (3, 2)
    assert (shape.win_seconds, shape.loss_seconds, shape.mean_r) == (30, 50, 1)
    nothing = shape_of(np.empty(0), np.empty(0), np.empty(0, dtype=int))
    assert (nothing.win_seconds, nothing.longest_wins) == (None, 0)
