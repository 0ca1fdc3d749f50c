"""The figures of daily returns equal empyrical's, and say why where they do not exist."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitoring.metrics import returns
from monitoring.metrics.facts import Daily, Series
from monitoring.metrics.value import Unknown
from tests.metrics.examples import daily

CLOSE = {"rel": 1e-9, "abs": 1e-9}
changes = st.lists(st.floats(-0.3, 0.4), min_size=10, max_size=400)


def closes(moves: list[float]) -> Daily:
    index = 10_000 * np.cumprod(1 + np.array([0.0, *moves]))
    dates = tuple(date(2025, 1, 15) + timedelta(days=number) for number in range(len(index)))
    return Daily(dates, index, index)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (returns.sharpe, lambda empyrical, r: empyrical.sharpe_ratio(r, annualization=365)),
        (returns.sortino, lambda empyrical, r: empyrical.sortino_ratio(r, annualization=365)),
        (returns.volatility, lambda empyrical, r: empyrical.annual_volatility(r, annualization=365) * 100),
    ],
    ids=["sharpe", "sortino", "volatility"],
)
@given(moves=changes)
def test_equals_empyrical(
    ours: Callable[[Series], float],
    theirs: Callable[[ModuleType, Series], float],
    empyrical: ModuleType,
    moves: list[float],
) -> None:
    assume(max(moves) - min(moves) > 1e-6)
    assume(min(moves) < -1e-6)
    daily_returns = returns.daily_returns(closes(moves))
    assert ours(daily_returns) == pytest.approx(theirs(empyrical, daily_returns), **CLOSE)


@given(moves=st.lists(st.floats(-0.02, 0.02), min_size=30, max_size=400), drawdown=st.floats(0.01, 100))
def test_growth_a_year_equals_empyrical(empyrical: ModuleType, moves: list[float], drawdown: float) -> None:
    daily_returns = returns.daily_returns(closes(moves))
    expected = empyrical.cagr(daily_returns, annualization=365) * 100
    assert returns.cagr(daily_returns) == pytest.approx(expected, **CLOSE)
    assert returns.calmar(daily_returns, drawdown) == pytest.approx(expected / drawdown, **CLOSE)


@given(moves=st.lists(st.floats(-0.3, 0.4), min_size=1, max_size=40))
def test_without_an_initial_balance_day_one_has_none(moves: list[float]) -> None:
    found = returns.daily_returns(closes(moves))
    assert found.shape == (len(moves),)
    assert found.tolist() == pytest.approx(moves, **CLOSE)


@given(moves=st.lists(st.floats(-0.3, 0.4), min_size=1, max_size=40))
def test_the_initial_balance_is_the_base_of_day_one(empyrical: ModuleType, moves: list[float]) -> None:
    history = closes(moves)
    whole = replace(history, dates=history.dates[1:], index=history.index[1:], base=10_000.0)
    assert returns.daily_returns(whole).tolist() == pytest.approx(moves, **CLOSE)
    expected = empyrical.cum_returns_final(np.array(moves)) * 100
    assert returns.total_return(whole) == pytest.approx(expected, **CLOSE)


def test_the_present_day_is_in_the_total_alone() -> None:
    index = [1000.0, *(1010.0 + number for number in range(10)), 505.0]
    history = replace(daily(*index[1:]), base=1000.0)
    today = history.dates[-1]
    closed = returns.daily_returns(history, today)
    assert len(closed) == 10
    assert closed.min() > 0
    assert returns.total_return(history) == pytest.approx(-49.5)
    with pytest.raises(Unknown, match="needs 10 days, has 9"):
        returns.sharpe(returns.daily_returns(history, history.dates[-2]))


def test_a_day_that_is_not_over_breaks_no_ratio() -> None:
    history = replace(daily(*(1000.0 + 7 * (n % 2) for n in range(10)), 0.0), base=1000.0)
    assert returns.sharpe(returns.daily_returns(history, history.dates[-1])) > 0
    assert returns.total_return(history) == -100


@given(moves=st.lists(st.floats(-0.3, 0.4), min_size=1, max_size=800))
def test_months_chain_to_the_total(moves: list[float]) -> None:
    history = closes(moves)
    growth, months = 1 + returns.total_return(history) / 100, returns.monthly_returns(history)
    assert np.prod([1 + percent / 100 for _, percent in months]) == pytest.approx(growth, rel=1e-9)
    assert [start for start, _ in months] == sorted({start for start, _ in months})


def test_a_month_begins_with_the_last_close_of_the_one_before() -> None:
    dates = (date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 2))
    index = np.array([100.0, 110.0, 99.0, 99.0, 198.0])
    history = Daily(dates, index, index)
    assert returns.monthly_returns(history) == (
        (date(2025, 12, 1), pytest.approx(10)),
        (date(2026, 1, 1), pytest.approx(-10)),
        (date(2026, 2, 1), pytest.approx(100)),
    )


def test_a_first_month_of_one_close_has_no_return() -> None:
    dates = (date(2025, 12, 31), date(2026, 1, 1))
    history = Daily(dates, np.array([100.0, 110.0]), np.array([100.0, 110.0]))
    assert [start for start, _ in returns.monthly_returns(history)] == [date(2026, 1, 1)]
    assert returns.monthly_returns(daily(100.0)) == ()
    assert returns.monthly_returns(replace(history, base=80.0))[0] == (date(2025, 12, 1), pytest.approx(25))


def test_a_debt_ends_what_is_known_of_returns() -> None:
    """It is a return itself, and none can be counted from it."""
    dates = (date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1))
    index = np.array([110.0, 120.0, 60.0, -30.0, 50.0])
    history = Daily(dates, index, index, base=100.0)
    assert returns.monthly_returns(history) == ((date(2026, 1, 1), pytest.approx(20)), (date(2026, 2, 1), -125))
    assert returns.daily_returns(history, dates[-1])[-1] == pytest.approx(-1.5)
    whole = "equity closed 2026-02-28 at no positive number: a return needs one"
    for figure in (returns.total_return, returns.daily_returns):
        with pytest.raises(Unknown, match=whole):
            figure(history)
    assert returns.why_incomplete(history) == whole
    indebted = replace(history, dates=dates[:-1], index=index[:-1])
    assert returns.total_return(indebted) == pytest.approx(-130)
    assert returns.why_incomplete(indebted) is None
    with pytest.raises(Unknown, match="a debt has no yearly rate"):
        returns.cagr(np.array([*[0.01] * 30, -1.5]))


def test_deposits_are_no_returns() -> None:
    history = Daily((date(2026, 1, 1), date(2026, 1, 2)), np.array([100.0, 1100.0]), np.array([100.0, 110.0]))
    assert returns.total_return(history) == pytest.approx(10)


@pytest.mark.parametrize(
    ("figure", "index", "reason"),
    [
        (returns.cagr, (1.0,) * 30, "needs 30 days, has 29"),
        (lambda r: returns.calmar(r, 5.0), (1.0,) * 30, "needs 30 days, has 29"),
        (returns.volatility, (1.0,) * 10, "needs 10 days, has 9"),
        (returns.sharpe, (1.0,) * 10, "needs 10 days, has 9"),
        (returns.sortino, (1.0,), "needs 10 days, has 0"),
        (returns.sortino, (), "needs 10 days, has 0"),
        (returns.sharpe, (100.0,) * 11, "no volatility: every daily return is the same"),
        (returns.sharpe, tuple(1.1**n for n in range(11)), "no volatility: every daily return is the same"),
        (returns.sharpe, (0.3, 0.1 + 0.2) * 6, "no volatility: every daily return is the same"),
        (returns.sortino, (100.0,) * 10 + (101.0,), "no losing day"),
        (returns.sortino, (0.3, 0.1 + 0.2) * 6, "no losing day"),
        (lambda r: returns.calmar(r, 0.0), (100.0,) * 31, "no drawdown: equity never fell below its peak"),
        (returns.cagr, (1.0,) * 30 + (1e40,), "30 days of history are too few to annualise such a growth"),
        (returns.sharpe, (-5.0, 1.0), "equity closed 2026-11-19 at no positive number: a return needs one"),
        (returns.sharpe, (1.0, np.nan), "equity closed 2026-11-20 at no positive number: a return needs one"),
        (returns.sharpe, (1.0, np.inf), "equity closed 2026-11-20 at no positive number: a return needs one"),
        (returns.sharpe, (1e-300, 1e300), "equity grew beyond any number within a day"),
        (returns.cagr, (1e-300, *[1.0] * 30, 1e300), "the history holds changes too large to compute with"),
    ],
)
def test_says_why_there_is_no_figure(figure: Callable[[Series], float], index: tuple[float, ...], reason: str) -> None:
    with pytest.raises(Unknown) as unknown:
        figure(returns.daily_returns(daily(*index)))
    assert str(unknown.value) == reason


def test_a_flat_account_has_zero_volatility_and_return() -> None:
    history = daily(*[100.0] * 31)
    flat = returns.daily_returns(history)
    assert (returns.volatility(flat), returns.total_return(history), returns.cagr(flat)) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("index", "base", "reason"),
    [
        ((), 100.0, "no equity history yet"),
        ((100.0,), None, "the initial balance is not known: needs 2 days, has 1"),
        ((0.0, 100.0), 100.0, "equity closed 2026-11-19 at no positive number: a return needs one"),
        ((1e-300, 1e300), None, "the history holds changes too large to compute with"),
    ],
)
def test_says_why_there_is_no_total(index: tuple[float, ...], base: float | None, reason: str) -> None:
    with pytest.raises(Unknown) as unknown:
        returns.total_return(replace(daily(*index), base=base))
    assert str(unknown.value) == reason


@pytest.mark.parametrize("figure", [returns.volatility, returns.sharpe, returns.sortino])
def test_returns_whose_squares_no_float_can_hold_are_unknown(figure: Callable[[Series], float]) -> None:
    with pytest.raises(Unknown):
        figure(np.array([1e200, -1e200] * 100))
