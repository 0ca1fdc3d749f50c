"""Figures of the closed trades, all of net P&L (pnl - commission - margin interest).

A sum that leaves a trade out is not the sum: a figure is unknown as soon as the P&L of one of its trades is.
"""

import math
from decimal import Decimal
from statistics import NormalDist
from typing import Protocol

from monitoring.metrics.facts import TradeSums
from monitoring.metrics.value import Partial, Unknown, known

NO_RISK = "no trade with entry, first stop, quantity and balance at entry"

NORMAL_95_FACTOR = NormalDist().inv_cdf(0.975)
"""Standard deviations within which 95 % of a normal distribution lie."""


class ClosedTrades(Protocol):
    """Sums over some closed trades: all of a scope, or a selection."""

    @property
    def total(self) -> int: ...
    @property
    def unknown(self) -> int:
        """Trades whose net P&L is unknown: in no other sum."""

    @property
    def wins(self) -> int: ...
    @property
    def losses(self) -> int: ...
    @property
    def breakeven(self) -> int: ...
    @property
    def net(self) -> Decimal: ...
    @property
    def net_wins(self) -> Decimal: ...
    @property
    def net_losses(self) -> Decimal: ...


class SelectedTrades(ClosedTrades, Protocol):
    """Sums over a selection of closed trades."""

    @property
    def costs(self) -> Decimal: ...
    @property
    def r_count(self) -> int:
        """Trades whose R is known."""

    @property
    def r_sum(self) -> float: ...


def total_pnl(sums: ClosedTrades) -> Decimal:
    """Sum of net P&L, in money; 0 without a trade. Raises Unknown if a trade's is unknown."""
    _expect_known(sums.unknown, sums.total, "closed trades", sums.net)
    return sums.net


def today(sums: TradeSums) -> Decimal:
    """Net P&L of the trades closed on this UTC day. Raises Unknown if one's is unknown."""
    _expect_known(sums.today_unknown, sums.today_count, "trades of today", sums.today)
    return sums.today


def week(sums: TradeSums) -> Decimal:
    """Net P&L of the trades closed in the last 7 days. Raises Unknown if one's is unknown."""
    _expect_known(sums.week_unknown, sums.week_count, "trades of the last 7 days", sums.week)
    return sums.week


def winning(sums: ClosedTrades) -> int:
    """Trades with a net gain. Raises Unknown if a trade's P&L is unknown."""
    return _all_known(sums).wins


def losing(sums: ClosedTrades) -> int:
    """Trades with a net loss. Raises Unknown if a trade's P&L is unknown."""
    return _all_known(sums).losses


def breakeven(sums: ClosedTrades) -> int:
    """Trades that ended at exactly zero net. Raises Unknown if a trade's P&L is unknown."""
    return _all_known(sums).breakeven


def win_rate(sums: ClosedTrades) -> float:
    """Winning trades (net > 0) / closed trades, in percent. Raises Unknown without one."""
    return winning(sums) / _at_least_one(sums) * 100


def win_rate_interval(sums: ClosedTrades) -> tuple[float, float]:
    """Wilson's 95 % interval of the win rate, in percent. Raises Unknown as ``win_rate`` does."""
    share, count = win_rate(sums) / 100, sums.total
    centre = share + NORMAL_95_FACTOR**2 / (2 * count)
    margin = NORMAL_95_FACTOR * math.sqrt(share * (1 - share) / count + NORMAL_95_FACTOR**2 / (4 * count**2))
    low, high = ((centre + sign * margin) / (1 + NORMAL_95_FACTOR**2 / count) * 100 for sign in (-1, 1))
    return max(low, 0.0), min(high, 100.0)


def profit_factor(sums: ClosedTrades) -> float:
    """Sum of net wins / |sum of net losses|. Raises Unknown without a losing trade."""
    _at_least_one(sums)
    if not losing(sums):
        raise Unknown("no losing trades")
    if not sums.net_losses:
        raise Unknown("the losses are too small to divide by")
    return float(sums.net_wins / -sums.net_losses)


def expectancy(sums: ClosedTrades) -> Decimal:
    """Mean net P&L a trade, in money. Raises Unknown without a trade."""
    return total_pnl(sums) / _at_least_one(sums)


def avg_win_loss_ratio(sums: ClosedTrades) -> float:
    """Mean net win / |mean net loss|. Raises Unknown without a winning or without a losing trade."""
    factor = profit_factor(sums)
    if not sums.wins:
        raise Unknown("no winning trades")
    return factor * sums.losses / sums.wins


def mean_r(sums: SelectedTrades) -> float:
    """Mean R of the trades whose R is known. Raises Unknown without one."""
    if not sums.r_count:
        raise Unknown("no trade with a known first stop and P&L" if sums.total else "no closed trades")
    return sums.r_sum / sums.r_count


def costs(sums: SelectedTrades) -> Decimal:
    """Fees and interest. Raises Unknown if those of a trade are unknown."""
    _expect_known(sums.unknown, sums.total, "closed trades", sums.costs)
    return sums.costs


def risk_per_trade(sums: TradeSums) -> float:
    """Mean of |entry - first stop| x quantity / balance at entry, in percent, of the trades that have a first stop."""
    return known(sums.risk, NO_RISK).mean * 100


def risk_per_trade_median(sums: TradeSums) -> float:
    """The median of the same."""
    return known(sums.risk, NO_RISK).median * 100


def _at_least_one(sums: ClosedTrades) -> int:
    if not sums.total:
        raise Unknown("no closed trades")
    return sums.total


def _all_known(sums: ClosedTrades) -> ClosedTrades:
    _expect_known(sums.unknown, sums.total, "closed trades")
    return sums


def _expect_known(unknown: int, count: int, which: str, known_part: Decimal | None = None) -> None:
    if unknown:
        known_count = count - unknown
        partial = Partial(known_part, known_count, count) if known_part is not None and known_count else None
        raise Unknown(f"{unknown:,} of {count:,} {which} {'has' if unknown == 1 else 'have'} no known P&L", partial)
