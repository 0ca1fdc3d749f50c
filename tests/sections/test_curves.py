"""The curve that charts are drawn from, against the rows it is made of."""

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics.facts import Series
from monitoring.projections.days import STEP_SECONDS, Day
from monitoring.projections.snapshots import Snapshots
from monitoring.projections.timeline import COLUMNS, DEPTH, EQUITY, TIME, Part, Timeline
from monitoring.projections.times import epoch
from monitoring.sections.curves import drawdown_points, equity_points

DAY = date(2026, 11, 22)
MIDNIGHT = 1_795_305_600.0


def rows(times: list[float], equity: list[float]) -> Snapshots:
    values = np.array(equity, dtype=np.float64)
    return Snapshots(np.arange(1, len(times) + 1), MIDNIGHT + np.array(times), values, values, values)


def curve_of(times: list[float], equity: list[float], cut: int = 0, initial: float | None = None) -> Series:
    """The curve of a day that took its rows in two parts."""
    whole = rows(times, equity)
    cut = cut or len(times)
    day = Day.of(DAY, whole.where(slice(0, cut)))
    if cut < len(times):
        day.append(whole.where(slice(cut, len(times))))
    return Timeline.of([Part(day, 1.0)], initial).since(0)


def test_midnight_is_midnight() -> None:
    assert epoch(datetime.combine(DAY, datetime.min.time())) == MIDNIGHT


def test_a_rising_account_never_fell() -> None:
    curve = curve_of([60.0 * n for n in range(200)], [1000.0 + n for n in range(200)], initial=1000)
    assert curve[:, DEPTH].max() == 0


@given(
    st.lists(st.floats(1, 1e6, allow_nan=False), min_size=1, max_size=120),
    st.integers(1, 400),
    st.integers(1, 120),
    st.one_of(st.none(), st.floats(1, 1e6)),
)
def test_every_ten_minutes_keep_their_extremes_and_true_times(
    equity: list[float], pause: int, cut: int, initial: float | None
) -> None:
    times = [pause * number for number in range(len(equity))]
    curve = curve_of(times, equity, min(cut, len(equity)), initial)
    peaks = np.maximum.accumulate([initial or 0.0, *equity])[1:]
    lost = 100 * (1 - np.array(equity) / peaks)
    snapshots = {MIDNIGHT + at: (amount, depth) for at, amount, depth in zip(times, equity, lost, strict=True)}
    for row in curve:
        assert (row[EQUITY], row[DEPTH]) == pytest.approx(snapshots[row[TIME]], abs=1e-9)
    step, kept = np.array(times) // STEP_SECONDS, curve[:, TIME] // STEP_SECONDS - MIDNIGHT // STEP_SECONDS
    assert set(step) == set(kept)
    for number in set(step):
        true, shown = np.array(equity)[step == number], curve[kept == number]
        assert (shown[0, EQUITY], shown[-1, EQUITY]) == (true[0], true[-1])
        assert (shown[:, EQUITY].min(), shown[:, EQUITY].max()) == (true.min(), true.max())
        assert shown[:, DEPTH].max() == pytest.approx(lost[step == number].max(), abs=1e-9)


def test_a_spike_of_one_row_is_in_the_curve() -> None:
    equity = [1000.0] * 60
    equity[31] = 5000.0
    equity[47] = 10.0
    points = equity_points(curve_of([60.0 * n for n in range(60)], equity))
    assert np.nanmax(points[:, 1]) == 5000
    assert np.nanmin(points[:, 1]) == 10
    assert points[np.nanargmax(points[:, 1]), 0] == MIDNIGHT + 31 * 60
    assert points[np.nanargmin(points[:, 1]), 0] == MIDNIGHT + 47 * 60
    assert (np.diff(points[:, 0]) >= 0).all()


def test_a_silence_is_a_gap() -> None:
    times = [60.0 * n for n in range(60)] + [36_000 + 60.0 * n for n in range(60)]
    curve = curve_of(times, [1000.0] * 120)
    for points in (equity_points(curve), drawdown_points(curve)):
        assert np.isnan(points[:, 1]).sum() == 1
        assert (np.diff(points[:, 0]) >= 0).all()


def test_nothing_is_no_curve() -> None:
    nothing = np.empty((0, COLUMNS))
    assert not len(equity_points(nothing))
    assert not len(drawdown_points(nothing))
