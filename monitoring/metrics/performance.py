"""Figures of trades, returns and drawdown, taken out of the facts; the catalogue says what each means."""

from collections.abc import Callable
from typing import TypeVar

from monitoring.metrics import returns
from monitoring.metrics.facts import Drawdown, Facts, Series, TradeSums
from monitoring.metrics.value import Unknown, known

T = TypeVar("T")


def of_trades(figure: Callable[[TradeSums], T]) -> Callable[[Facts], T]:
    """The metric that is a figure of the closed trades."""
    return lambda facts: figure(_trades(facts))


def of_returns(figure: Callable[[Series], float]) -> Callable[[Facts], float]:
    """The metric that is a figure of the returns of closed days."""
    return lambda facts: figure(_returns(facts))


def current_drawdown(facts: Facts) -> float:
    found = _drawdown(facts)
    return _exact(found, found.current)


def max_drawdown(facts: Facts) -> float:
    found = _drawdown(facts)
    return _exact(found, found.maximum)


def calmar_ratio(facts: Facts) -> float:
    if not _drawdown(facts).exact:
        raise Unknown("account_history is still being read")
    return returns.calmar(_returns(facts), max_drawdown(facts))


def total_return(facts: Facts) -> float:
    return returns.total_return(known(facts.daily, facts.no_history))


def recent_trade_outcomes(facts: Facts) -> str:
    outcomes = _trades(facts).outcomes
    if not outcomes:
        raise Unknown("no closed trades")
    return outcomes


def _trades(facts: Facts) -> TradeSums:
    return known(facts.trades, facts.no_trades)


def _returns(facts: Facts) -> Series:
    return returns.daily_returns(known(facts.daily, facts.no_history), facts.now.date())


def _drawdown(facts: Facts) -> Drawdown:
    found = known(facts.drawdown, facts.no_history)
    if found.unknown is not None:
        raise Unknown(found.unknown)
    return found


def _exact(found: Drawdown, decline: float) -> float:
    """Raises Unknown while only closes are known: between two of them equity may have been higher, then lower."""
    if not found.exact:
        raise Unknown(f"at least {decline:.2f} % by daily closes so far")
    return decline
