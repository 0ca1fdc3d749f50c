"""What the account was worth at every minute of a made-up past, and the snapshots the engine took of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from monitoring.demo.journal import snapshot
from monitoring.demo.market import SYMBOLS, Prices
from monitoring.demo.past import Past, Plan
from monitoring.demo.records import Row, Session

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curves:
    """One value a minute of the path, but for the balance, which is exact."""

    booked_minutes: npt.NDArray[np.int64]
    balances: tuple[Decimal, ...]
    """Before the first booking and after each."""
    unrealized: Series
    exposure: Series
    positions: npt.NDArray[np.int64]
    realized: Series
    """Net result of closed trades so far."""


def curves(past: Past, plan: Plan, prices: Prices) -> Curves:
    length = len(prices)
    unrealized, exposure = np.zeros(length), np.zeros(length)
    positions = np.zeros(length, np.int64)
    for trade in past.trades:
        holding, column = trade.holding, SYMBOLS.index(trade.holding.symbol)
        sign = 1 if holding.side == "LONG" else -1
        end, entry = min(trade.exit_minute, length), float(holding.entry_price)
        stages = [(trade.opened, float(holding.quantity))]
        if trade.part_minute is not None:
            stages.append((trade.part_minute, -float(trade.part_quantity)))
        for begin, quantity in stages:
            unrealized[begin:end] += sign * quantity * (prices[begin:end, column] - entry)
            exposure[begin:end] += quantity * entry
        positions[trade.opened : end] += 1
    closed = [(trade.exit_minute, float(trade.closing.net)) for trade in past.trades if trade.closing]
    return Curves(
        booked_minutes=np.array([booking.minute for booking in past.bookings], np.int64),
        balances=(plan.balance, *(booking.balance for booking in past.bookings)),
        unrealized=unrealized,
        exposure=exposure,
        positions=positions,
        realized=_steps(closed, length),
    )


def _steps(changes: Iterable[tuple[int, float]], length: int) -> Series:
    jumps = np.zeros(length)
    for minute, amount in changes:
        jumps[minute] += amount
    return np.cumsum(jumps)


def snapshot_minutes(plan: Plan, *, every: int, minutely_for: int) -> npt.NDArray[np.int64]:
    """Every few minutes, every minute lately, none while the engine was down."""
    recent = max(plan.first, plan.last - minutely_for)
    old = np.arange(plan.first, recent, every)
    minutes = np.concatenate((old, np.arange(recent, plan.last + 1)))
    if plan.pause:
        minutes = minutes[(minutes < plan.pause[0]) | (minutes >= plan.pause[1])]
    return minutes


def snapshots(info: Session, seen: Curves, minutes: npt.NDArray[np.int64], start: datetime) -> Iterator[Row]:
    """``start`` is the time of the path's first minute."""
    exact_balance = [seen.balances[index] for index in np.searchsorted(seen.booked_minutes, minutes, "right")]
    balance = np.array(exact_balance, np.float64)
    equity = balance + seen.unrealized[minutes]
    peak = np.maximum.accumulate(np.maximum(balance, float(info.balance)))
    drawdown = (peak - balance) / peak * 100
    times = [
        start + timedelta(minutes=int(minute), seconds=55, microseconds=int(minute) * 617 % 99_991)
        for minute in minutes
    ]
    days = np.array([time.toordinal() for time in times])
    _, firsts, which = np.unique(days, return_index=True, return_inverse=True)
    daily = balance - balance[firsts][which]
    for number, minute in enumerate(minutes):
        yield snapshot(
            info,
            times[number],
            balance=exact_balance[number],
            equity=float(equity[number]),
            total_pnl=float(seen.realized[minute]),
            daily_pnl=float(daily[number]),
            drawdown=float(drawdown[number]),
            open_positions=int(seen.positions[minute]),
            exposure=float(seen.exposure[minute]),
        )
