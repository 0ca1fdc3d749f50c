"""The curve that charts are drawn from, against the rows it is made of."""

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics.facts import Series
from monitoring.projections.days import STEP_SECONDS, Day
from monitoring.projections.snapshots import Snapshots
from monitoring.projections.timeline import AT_CLOSE, COLUMNS, DEEPEST, DEPTH_COLUMNS, Part, depth_of
from monitoring.projections.times import epoch
from monitoring.sections.curves import drawdown_points, equity_points

DAY = date(2026, 11, 22)
MIDNIGHT = 1_795_305_600.0


def rows(times: list[float], equity: list[float]) -> Snapshots:
    values = np.array(equity, dtype=np.float64)
    return Snapshots(np.arange(1, len(times) + 1), MIDNIGHT + np.array(times), values, values)


def curve_of(times: list[float], equity: list[float], cut: int = 0) -> Series:
    """The steps of a day that took its rows in two parts."""
    whole = rows(times, equity)
    cut = cut or len(times)
    day = Day.of(DAY, whole.where(slice(0, cut)))
    if cut < len(times):
        day.append(whole.where(slice(cut, len(times))))
    steps = np.empty((len(day.steps), COLUMNS))
    Part(day, 1.0).write(steps)
    return steps


def test_midnight_is_midnight() -> None:
    assert epoch(datetime.combine(DAY, datetime.min.time())) == MIDNIGHT


def test_a_rising_account_never_fell() -> None:
    steps = curve_of([60.0 * n for n in range(200)], [1000.0 + n for n in range(200)])
    assert depth_of(steps, 1000.0).max() == 0


@given(
    st.lists(st.floats(1, 1e6, allow_nan=False), min_size=1, max_size=120),
    st.integers(1, 400),
    st.integers(1, 120),
    st.one_of(st.none(), st.floats(1, 1e6)),
)
def test_the_decline_of_every_step_is_that_of_its_rows(
    equity: list[float], pause: int, cut: int, initial: float | None
) -> None:
    times = [pause * number for number in range(len(equity))]
    steps = curve_of(times, equity, min(cut, len(equity)))
    peaks = np.maximum.accumulate([initial or 0.0, *equity])[1:]
    lost = 100 * (1 - np.array(equity) / peaks)
    bucket = (np.array(times) // STEP_SECONDS).astype(int)
    expected = [lost[bucket == number].max() for number in np.unique(bucket)]
    closing = [lost[bucket == number][-1] for number in np.unique(bucket)]
    depth = depth_of(steps, initial or 0.0)
    assert depth[:, DEEPEST] == pytest.approx(expected, abs=1e-9)
    assert depth[:, AT_CLOSE] == pytest.approx(closing, abs=1e-9)


def test_a_spike_of_one_row_is_in_the_curve() -> None:
    equity = [1000.0] * 60
    equity[31] = 5000.0
    equity[47] = 10.0
    points = equity_points(curve_of([60.0 * n for n in range(60)], equity))
    assert np.nanmax(points[:, 1]) == 5000
    assert np.nanmin(points[:, 1]) == 10
    assert (np.diff(points[:, 0]) >= 0).all()


def test_a_silence_is_a_gap() -> None:
    times = [60.0 * n for n in range(60)] + [36_000 + 60.0 * n for n in range(60)]
    steps = curve_of(times, [1000.0] * 120)
    for points in (equity_points(steps), drawdown_points(steps, depth_of(steps, 0.0))):
        assert np.isnan(points[:, 1]).sum() == 1
        assert (np.diff(points[:, 0]) >= 0).all()


def test_nothing_is_no_curve() -> None:
    nothing = np.empty((0, COLUMNS))
    assert not len(equity_points(nothing))
    assert not len(drawdown_points(nothing, np.empty((0, DEPTH_COLUMNS))))
