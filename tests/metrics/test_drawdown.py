"""Drawdown by runs equals the running peak over all points, however the points are cut."""

import math
from datetime import UTC, datetime
from functools import reduce
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics.drawdown import DrawdownRun, RunningDrawdown, merge
from monitoring.metrics.facts import Drawdown
from monitoring.metrics.value import Unknown

equities = st.lists(st.floats(-1e12, 1e12).map(lambda value: round(value, 8)), min_size=1, max_size=60)
coarse = st.lists(st.integers(-3, 12).map(float), min_size=1, max_size=40)
"""Few different values: many equal peaks, valleys and ruins."""
cuts = st.sets(st.integers(1, 59)).map(sorted)


def runs_of(values: list[float], borders: list[int]) -> list[DrawdownRun]:
    edges = [0, *(border for border in borders if border < len(values)), len(values)]
    parts = [DrawdownRun.of(list(range(a, b)), values[a:b]) for a, b in pairwise(edges)]
    return [part for part in parts if part is not None]


def summarise(runs: list[DrawdownRun], initial: float | None, exact: bool) -> Drawdown:
    return reduce(RunningDrawdown.then, runs, RunningDrawdown.seeded(initial)).drawdown(exact)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)


def by_running_peak(values: list[float], initial: float) -> tuple[float, float, int | None, int | None, int | None]:
    """Current and maximum in percent; peak (None: initial), valley and first recovery as positions."""
    peak, peak_at, deepest, current = initial, None, 0.0, 0.0
    found: tuple[int | None, int | None, float] = (None, None, math.inf)
    for position, value in enumerate(values):
        if value >= peak:
            peak, peak_at = value, position
        current = (1 - value / peak) * 100 if peak else 0.0
        if current > deepest:
            deepest, found = current, (peak_at, position, peak)
    peak_at, valley_at, level = found
    after = range(len(values) if valley_at is None else valley_at, len(values))
    return current, deepest, peak_at, valley_at, next((p for p in after if values[p] >= level), None)


@given(values=equities, borders=cuts, initial=st.floats(1e-6, 1e12))
def test_maximum_and_current_are_exact_for_any_split(values: list[float], borders: list[int], initial: float) -> None:
    found = summarise(runs_of(values, borders), initial, exact=True)
    current, maximum, *_ = by_running_peak(values, initial)
    assert (found.current, found.maximum) == (current, maximum)


@given(values=coarse, borders=cuts, initial=st.integers(1, 12))
def test_peak_and_valley_are_exact_and_recovery_to_its_run(
    values: list[float], borders: list[int], initial: int
) -> None:
    runs = runs_of(values, borders)
    found = summarise(runs, float(initial), exact=True)
    _, _, peak, valley, recovery = by_running_peak(values, float(initial))
    assert found.peak_at == (None if peak is None else moment(peak))
    assert found.valley_at == (None if valley is None else moment(valley))
    if recovery is None or found.recovered_at is None:
        assert found.recovered_at is recovery is None
        return
    run = next(run for run in runs if run.first_at <= recovery <= run.last.at)
    assert moment(recovery) <= found.recovered_at <= moment(run.last.at)
    level = initial if peak is None else values[peak]
    assert values[int(found.recovered_at.replace(tzinfo=UTC).timestamp())] >= level


@given(values=coarse, borders=cuts)
def test_merged_runs_are_the_run_of_all_points(values: list[float], borders: list[int]) -> None:
    runs = runs_of(values, borders)
    from_left = reduce(lambda a, b: merge(a, b), runs)
    from_right = reduce(lambda b, a: merge(a, b), reversed(runs))
    assert from_left == from_right == DrawdownRun.of(list(range(len(values))), values)


@given(moves=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=100), borders=cuts)
def test_equals_empyrical(empyrical: ModuleType, moves: list[float], borders: list[int]) -> None:
    index = np.cumprod(1 + np.array([0.0, *moves])) * 100
    found = summarise(runs_of(index.tolist(), borders), 100.0, exact=True)
    expected = empyrical.max_drawdown(np.array(moves))
    assert found.maximum == pytest.approx(-expected * 100, rel=1e-9, abs=1e-9)


def test_seeds_the_peak_with_the_initial_balance() -> None:
    found = summarise(runs_of([90.0, 95.0, 80.0, 85.0], []), 100.0, exact=False)
    assert found == Drawdown(
        current=pytest.approx(15),
        maximum=pytest.approx(20),
        peak_at=None,
        valley_at=moment(2),
        recovered_at=None,
        exact=False,
    )


def test_without_a_decline_there_is_no_valley() -> None:
    assert summarise(runs_of([100.0, 100.0, 105.0], []), 100.0, exact=True) == Drawdown(0, 0, None, None, None, True)


def test_a_deeper_decline_is_not_recovered_by_earlier_points() -> None:
    values = [100.0, 90.0, 100.0, 80.0, 99.0]
    found = summarise(runs_of(values, [1, 2, 3, 4]), None, exact=True)
    assert (found.peak_at, found.valley_at, found.recovered_at) == (moment(2), moment(3), None)


def test_recovery_stays_at_the_first_run_that_reached_the_peak() -> None:
    values = [100.0, 80.0, 90.0, 101.0, 120.0, 119.0]
    found = summarise(runs_of(values, [2, 4, 5]), None, exact=True)
    assert found.recovered_at == moment(3)


def test_below_zero_more_than_everything_is_lost() -> None:
    found = summarise(runs_of([50.0, -20.0, 10.0], [1]), 100.0, exact=True)
    assert (found.maximum, found.current) == (pytest.approx(120), pytest.approx(90))


def test_unknown_points_take_no_part() -> None:
    assert DrawdownRun.of([1.0, 2.0], [math.nan, math.inf]) is None
    assert DrawdownRun.of([], []) is None
    assert DrawdownRun.of([1.0, 2.0, 3.0], [5.0, math.nan, 4.0]) == DrawdownRun.of([1.0, 3.0], [5.0, 4.0])


@pytest.mark.parametrize("initial", [0.0, -5.0, math.nan, None])
def test_an_initial_balance_that_is_none_seeds_nothing(initial: float | None) -> None:
    assert summarise(runs_of([50.0, 40.0], []), initial, exact=True).maximum == pytest.approx(20)


def test_no_points_have_no_drawdown() -> None:
    with pytest.raises(Unknown, match="no equity snapshot yet"):
        summarise([], 100.0, exact=True)


def test_none_is_neutral() -> None:
    run = DrawdownRun.of([1.0], [5.0])
    assert merge(None, run) == merge(run, None) == run
    assert merge(None, None) is None


def test_refuses_what_is_out_of_order() -> None:
    early, late = DrawdownRun.of([1.0, 3.0], [5.0, 4.0]), DrawdownRun.of([2.0], [4.0])
    with pytest.raises(ValueError, match=r"run from 2\.0: expected to begin at or after 3\.0"):
        merge(early, late)
    with pytest.raises(ValueError, match="expected finite and ascending"):
        DrawdownRun.of([2.0, 1.0], [5.0, 4.0])
    with pytest.raises(ValueError, match="expected two series of one length"):
        DrawdownRun.of([2.0, 1.0], [5.0])
