"""Figures of the closed trades, all of net P&L (pnl - commission - margin interest).

A trade whose P&L is unknown takes no part: shares and means are over the trades with a known result.
"""

from decimal import Decimal

from monitoring.metrics.facts import TradeSums
from monitoring.metrics.value import Unknown


def total_pnl(sums: TradeSums) -> Decimal:
    """Sum of net P&L, in money; 0 without a trade, but unknown where no trade's result is known."""
    if sums.total:
        _results(sums)
    return sums.net


def today(sums: TradeSums) -> Decimal:
    """Net P&L of the trades closed on this UTC day; unknown where none of theirs is known."""
    return _known_part(sums.today, sums.today_count, sums.today_unknown, "today's trades")


def week(sums: TradeSums) -> Decimal:
    """Net P&L of the trades closed in the last 7 days; unknown where none of theirs is known."""
    return _known_part(sums.week, sums.week_count, sums.week_unknown, "the last 7 days' trades")


def _known_part(amount: Decimal, count: int, unknown: int, which: str) -> Decimal:
    if count and count == unknown:
        raise Unknown(f"the P&L of {which} is not a number")
    return amount


def win_rate(sums: TradeSums) -> float:
    """Winning trades (net > 0) / closed trades, in percent. Raises Unknown without one."""
    return sums.wins / _results(sums) * 100


def profit_factor(sums: TradeSums) -> float:
    """Sum of net wins / |sum of net losses|. Raises Unknown without a losing trade."""
    _results(sums)
    if not sums.losses or not sums.net_losses:
        raise Unknown("no losing trades")
    return float(sums.net_wins / -sums.net_losses)


def expectancy(sums: TradeSums) -> Decimal:
    """Mean net P&L a trade, in money. Raises Unknown without a trade."""
    return sums.net / _results(sums)


def avg_win_loss_ratio(sums: TradeSums) -> float:
    """Mean net win / |mean net loss|. Raises Unknown without a winning or without a losing trade."""
    factor = profit_factor(sums)
    if not sums.wins:
        raise Unknown("no winning trades")
    return factor * sums.losses / sums.wins


def risk_per_trade(sums: TradeSums) -> float:
    """Mean of |entry - stop| x quantity / balance at entry, in percent, of the trades that record them."""
    if not sums.risk_count:
        raise Unknown("no trade with entry, stop, quantity and balance at entry")
    return sums.risk_sum / sums.risk_count * 100


def _results(sums: TradeSums) -> int:
    results = sums.total - sums.unknown
    if results > 0:
        return results
    raise Unknown("no closed trades" if not sums.total else "the P&L of every closed trade is unknown")
