"""Daily returns and what is made of them: volatility, Sharpe, Sortino, CAGR, Calmar, total and monthly.

The first day's close is the base of the first return, so n closes give n - 1 returns. Figures are
annualised with 365 days, since crypto trades every day; the risk-free rate is 0. Formulas as in empyrical
and quantstats.
"""

import math
from collections.abc import Callable
from datetime import date

import numpy as np

from monitoring.metrics.facts import Daily, Series
from monitoring.metrics.value import Unknown

DAYS_PER_YEAR = 365

ROUNDING_SHARE = 1e-14
"""Growths (1 + r) that differ by less than this part of them are equal: a division rounds by about 1e-16."""


def daily_returns(daily: Daily) -> Series:
    """Simple returns r[i] = index[i + 1] / index[i] - 1 as fractions, shape (days - 1,).

    Raises Unknown without a close, and where a close is not a positive number: no return is defined over it.
    """
    index = np.asarray(daily.index, dtype=np.float64)
    if not index.size:
        raise Unknown("no equity history yet")
    unusable = np.flatnonzero(~(np.isfinite(index) & (index > 0)))
    if unusable.size:
        raise Unknown(f"equity closed {daily.dates[unusable[0]]} at no positive number: a return needs one")
    with np.errstate(over="ignore"):
        returns = np.asarray(index[1:] / index[:-1] - 1.0, dtype=np.float64)
    if not np.isfinite(returns).all():
        raise Unknown("equity grew beyond any number within a day")
    return returns


def volatility(returns: Series) -> float:
    """Annualised volatility in percent: sample standard deviation (ddof 1) x sqrt(365). Needs 3 days."""
    _need(returns, days=3)
    return _finite(float(returns.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR) * 100)


def sharpe(returns: Series) -> float:
    """Mean / sample standard deviation of the daily returns x sqrt(365) (Sharpe 1994, rf = 0). Needs 3 days.

    Raises Unknown where the returns do not vary: the ratio has no value then.
    """
    _need(returns, days=3)
    if float(np.ptp(returns)) <= ROUNDING_SHARE * (1.0 + float(returns.max())):
        raise Unknown("no volatility: every daily return is the same")
    return _finite(float(returns.mean()) / float(returns.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR))


def sortino(returns: Series) -> float:
    """Mean / downside deviation x sqrt(365), target 0. Needs 3 days.

    The downside deviation is sqrt(mean(min(r, 0)^2)) over all days, not over the losing ones alone (Sortino
    and Price 1994; so do empyrical and quantstats). Raises Unknown without a losing day.
    """
    _need(returns, days=3)
    losses = np.minimum(returns, 0.0)
    if float(losses.min()) >= -ROUNDING_SHARE:
        raise Unknown("no losing day")
    downside = math.sqrt(float(np.mean(losses**2)))
    return _finite(float(returns.mean()) / downside * math.sqrt(DAYS_PER_YEAR))


def total_return(returns: Series) -> float:
    """Chain-linked return over the whole history in percent: product of (1 + r), less 1. Needs 2 days."""
    return _finite((_growth(returns) - 1.0) * 100)


def cagr(returns: Series) -> float:
    """Compound annual growth in percent: (product of (1 + r)) ^ (365 / returns) - 1. Needs 2 days."""
    growth = _growth(returns)
    try:
        return _finite((math.pow(growth, DAYS_PER_YEAR / len(returns)) - 1.0) * 100)
    except OverflowError:
        raise Unknown(f"{len(returns) + 1} days of history are too few to annualise such a growth") from None


def calmar(returns: Series, max_drawdown: float) -> float:
    """CAGR / maximum drawdown, both in percent, over the whole history (Young 1991). Needs 2 days."""
    growth = cagr(returns)
    if not max_drawdown > 0:
        raise Unknown("no drawdown: equity never fell below its peak")
    return _finite(growth / max_drawdown)


def monthly_returns(daily: Daily) -> tuple[tuple[date, float], ...]:
    """(first day of the month, return in percent), oldest first; chained they give the total return.

    A month runs from the last close before it, the first one from its own first close. A first month with
    only one close has no return and is left out. Raises Unknown as daily_returns does.
    """
    return _period_returns(daily, lambda day: day.replace(day=1))


def yearly_returns(daily: Daily) -> tuple[tuple[date, float], ...]:
    """(1 January, return in percent) of each year; otherwise as monthly_returns."""
    return _period_returns(daily, lambda day: day.replace(month=1, day=1))


def _period_returns(daily: Daily, period: Callable[[date], date]) -> tuple[tuple[date, float], ...]:
    daily_returns(daily)  # refuses what has no return
    last_of_period = {period(day): position for position, day in enumerate(daily.dates)}
    found, base = [], 0
    for start, last in last_of_period.items():
        if last > base:
            found.append((start, float(daily.index[last] / daily.index[base] - 1.0) * 100))
        base = last
    return tuple(found)


def _growth(returns: Series) -> float:
    _need(returns, days=2)
    with np.errstate(over="ignore"):
        return _finite(float(np.prod(1.0 + returns)))


def _need(returns: Series, days: int) -> None:
    if len(returns) + 1 < days:
        raise Unknown(f"needs {days} days of history, has {len(returns) + 1}")


def _finite(figure: float) -> float:
    if not math.isfinite(figure):
        raise Unknown("the history holds changes too large to compute with")
    return figure
