"""Daily returns and what is made of them: volatility, Sharpe, Sortino, CAGR, Calmar, total and monthly.

The initial balance is the base of the first day's return. Ratios are of closed UTC days: a day that is not over yet
would make them jump. They are annualised with 365 days, since crypto trades every day; the risk-free rate is 0.
Formulas as in empyrical and quantstats.
"""

import math
from bisect import bisect_left
from datetime import date

import numpy as np

from monitoring.metrics.facts import Daily, Series
from monitoring.metrics.value import Unknown

DAYS_PER_YEAR = 365

ROUNDING_SHARE = 1e-14
"""Growths (1 + r) that differ by less than this part of them are equal: a division rounds by about 1e-16."""


MIN_RATIO_DAYS, MIN_YEARLY_DAYS = 10, 30
"""Below so many closed days a figure says more of chance than of the strategy."""


def daily_returns(daily: Daily, today: date | None = None) -> Series:
    """Simple returns index[i + 1] / index[i] - 1 of the days before ``today``, as fractions; shape (days,).

    Without a known initial balance the first day has none. Raises Unknown where a close that others follow is not a
    positive number: no return can be counted from it.
    """
    closed = len(daily.dates) if today is None else bisect_left(daily.dates, today)
    values = _checked(daily, closed)
    with np.errstate(over="ignore"):
        found = np.asarray(values[1:] / values[:-1] - 1.0, dtype=np.float64)
    if not np.isfinite(found).all():
        raise Unknown("equity grew beyond any number within a day")
    return found


def why_incomplete(daily: Daily) -> str | None:
    """Why returns are not known to the end; None where they are."""
    return _known(daily, len(daily.dates))[1]


def _checked(daily: Daily, count: int) -> Series:
    """The base, where it is known, and the first closes. Raises Unknown as ``daily_returns`` does."""
    values, why = _known(daily, count)
    if why is not None:
        raise Unknown(why)
    return values


def _base(daily: Daily) -> list[float]:
    """The initial balance; empty where it is not known, or no number that returns can be counted from."""
    return [daily.base] if daily.base is not None and math.isfinite(daily.base) and daily.base > 0 else []


def _known(daily: Daily, count: int) -> tuple[Series, str | None]:
    """The base, where it is known, and of the first closes those up to a debt; and why that are not all."""
    index = np.asarray(daily.index[:count], dtype=np.float64)
    values = np.concatenate((_base(daily), index))
    unusable = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    end = int(unusable[0]) + math.isfinite(values[unusable[0]]) if unusable.size else len(values)
    if end == len(values):
        return values, None
    day = daily.dates[int(unusable[0]) - (len(values) - len(index))]
    return values[:end], f"equity closed {day} at no positive number: a return needs one"


def _deviation(returns: Series) -> float:
    """The sample standard deviation; infinite where no float can hold it."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(returns.std(ddof=1))


def volatility(returns: Series) -> float:
    """Annualised volatility in percent: sample standard deviation (ddof 1) x sqrt(365)."""
    _need(returns, MIN_RATIO_DAYS)
    return _finite(_deviation(returns) * math.sqrt(DAYS_PER_YEAR) * 100)


def sharpe(returns: Series) -> float:
    """Mean / sample standard deviation of the daily returns x sqrt(365) (Sharpe 1994, rf = 0).

    Raises Unknown where the returns do not vary: the ratio has no value then.
    """
    _need(returns, MIN_RATIO_DAYS)
    if float(np.ptp(returns)) <= ROUNDING_SHARE * (1.0 + float(returns.max())):
        raise Unknown("no volatility: every daily return is the same")
    return _finite(float(returns.mean()) / _finite(_deviation(returns)) * math.sqrt(DAYS_PER_YEAR))


def sharpe_error(returns: Series) -> float:
    """Standard error of the annualised Sharpe ratio: sqrt((1 + SR^2 / (2 x 365)) / days) x sqrt(365) (Lo 2002)."""
    variance = _finite(1 + sharpe(returns) * sharpe(returns) / (2 * DAYS_PER_YEAR)) / len(returns)
    return math.sqrt(variance * DAYS_PER_YEAR)


def sortino(returns: Series) -> float:
    """Mean / downside deviation x sqrt(365), target 0.

    The downside deviation is sqrt(mean(min(r, 0)^2)) over all days, not over the losing ones alone (Sortino
    and Price 1994; so do empyrical and quantstats). Raises Unknown without a losing day.
    """
    _need(returns, MIN_RATIO_DAYS)
    losses = np.minimum(returns, 0.0)
    if float(losses.min()) >= -ROUNDING_SHARE:
        raise Unknown("no losing day")
    with np.errstate(over="ignore"):
        downside = _finite(math.sqrt(float(np.mean(losses**2))))
    return _finite(float(returns.mean()) / downside * math.sqrt(DAYS_PER_YEAR))


def total_return(daily: Daily) -> float:
    """Growth from the initial balance to the last point of the curve, in percent. Raises Unknown without either."""
    values = _checked(daily, len(daily.dates))
    if not len(daily.dates):
        raise Unknown("no equity history yet")
    if len(values) < 2:
        raise Unknown("the initial balance is not known: needs 2 days, has 1")
    with np.errstate(over="ignore"):
        return _finite((float(values[-1] / values[0]) - 1.0) * 100)


def cagr(returns: Series) -> float:
    """Compound annual growth in percent: (product of (1 + r)) ^ (365 / days) - 1, of the daily returns."""
    _need(returns, MIN_YEARLY_DAYS)
    with np.errstate(over="ignore"):
        growth = _finite(float(np.prod(1.0 + returns)))
    if growth < 0:
        raise Unknown("a debt has no yearly rate")
    try:
        return _finite((math.pow(growth, DAYS_PER_YEAR / len(returns)) - 1.0) * 100)
    except OverflowError:
        raise Unknown(f"{len(returns)} days of history are too few to annualise such a growth") from None


def calmar(returns: Series, max_drawdown: float) -> float:
    """CAGR / maximum drawdown, both in percent, over the whole history (Young 1991)."""
    growth = cagr(returns)
    if not max_drawdown > 0:
        raise Unknown("no drawdown: equity never fell below its peak")
    return _finite(growth / max_drawdown)


def monthly_returns(daily: Daily) -> tuple[tuple[date, float], ...]:
    """(first day of the month, return in percent), oldest first; chained they give the total return.

    A month runs from the last close before it, the first one from the initial balance; where that is not known, from
    its own first close, and is left out if it has only one. So are those that a close which is not positive makes
    unknown (see ``why_incomplete``). Raises Unknown where that leaves none.
    """
    values, why = _known(daily, len(daily.dates))
    last_of_month = {day.replace(day=1): position for position, day in enumerate(daily.dates, len(_base(daily)))}
    found, base = [], 0
    for start, last in last_of_month.items():
        if base < last < len(values):
            found.append((start, _finite((float(values[last]) / float(values[base]) - 1.0) * 100)))
        base = last
    if why is not None and not found:
        raise Unknown(why)
    return tuple(found)


def _need(returns: Series, days: int) -> None:
    if len(returns) < days:
        raise Unknown(f"needs {days} days, has {len(returns)}")


def _finite(figure: float) -> float:
    if not math.isfinite(figure):
        raise Unknown("the history holds changes too large to compute with")
    return figure
