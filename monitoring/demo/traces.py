"""What the trades and bookings of a made-up past leave behind in the tables."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from monitoring.demo import journal, records
from monitoring.demo.market import SYMBOLS, Prices
from monitoring.demo.money import Closing, Holding, exact
from monitoring.demo.past import Past, PastTrade
from monitoring.demo.records import Row, Session
from monitoring.demo.signals import indicators
from monitoring.demo.story import lessons

HOUR, DAY = 60, 1_440
CLOSES = 60
"""Hourly closes that the indicators are computed from."""


def position_rows(info: Session, past: Past, prices: Prices, end: datetime) -> Iterator[Row]:
    for trade in past.trades:
        holding, closing = trade.holding, trade.closing
        price = exact(float(prices[-1, SYMBOLS.index(holding.symbol)]))
        row = {"id": holding.id, **records.position(info, holding, price, end)}
        yield row | records.closed(holding, closing) if closing else row


def trade_rows(info: Session, past: Past, *, positions: bool) -> Iterator[Row]:
    for trade in past.trades:
        if trade.closing:
            holding = trade.holding
            yield records.trade(info, holding, trade.closing, trade.reason, holding.id if positions else None)


def partial_rows(past: Past) -> Iterator[Row]:
    for trade in past.trades:
        if trade.part_at and trade.holding.part_price is not None:
            yield records.partial(
                trade.holding, trade.part_at, trade.holding.part_price, trade.part_quantity, trade.part_earned
            )


def order_rows(info: Session, past: Past, generator: np.random.Generator) -> Iterator[Row]:
    for trade in past.trades:
        holding, closing = trade.holding, trade.closing
        yield _filled(info, holding, "ENTRY", holding.quantity, holding.entry_price, holding.opened, generator)
        yield _stop_order(info, trade)
        if trade.part_at and holding.part_price is not None:
            part = trade.part_quantity
            yield _filled(info, holding, "PARTIAL_EXIT", part, holding.part_price, trade.part_at, generator)
        if closing and trade.reason != "Stop loss":
            yield _filled(info, holding, "FULL_EXIT", holding.left, closing.price, closing.at, generator)
        if generator.random() < 0.02:
            yield _failed(info, holding)


def _filled(
    info: Session,
    holding: Holding,
    kind: str,
    quantity: Decimal,
    price: Decimal,
    at: datetime,
    generator: np.random.Generator,
) -> Row:
    asked = round(price * (1 + Decimal(str(round(generator.normal(0, 0.0002), 6)))), 2)
    latency = timedelta(milliseconds=float(generator.lognormal(np.log(140), 0.4)))
    status = "CONFIRMED" if generator.random() < 0.7 else "FILLED"
    return records.order(
        info, holding, kind, status, quantity=quantity, asked=asked, created=at - latency, filled=at, price=price
    )


def _stop_order(info: Session, trade: PastTrade) -> Row:
    """The stop that rests at the exchange: filled, cancelled before another exit, or still there."""
    holding, closing = trade.holding, trade.closing
    created = holding.opened + timedelta(milliseconds=420)
    if closing is None:
        status, filled, price = "SUBMITTED", None, None
    elif trade.reason == "Stop loss":
        status, filled, price = "FILLED", closing.at, closing.price
    else:
        status, filled, price = "CANCELLED", closing.at - timedelta(milliseconds=310), None
    return records.order(
        info, holding, "STOP_LOSS", status, quantity=holding.left, asked=holding.stop, created=created,
        filled=filled, price=price,
    )  # fmt: skip


def _failed(info: Session, holding: Holding) -> Row:
    """An attempt before the entry that the exchange refused; it never got a position."""
    created = holding.opened - timedelta(seconds=3)
    row = records.order(
        info, holding, "ENTRY", "FAILED", quantity=holding.quantity, asked=holding.entry_price, created=created
    )
    return row | {"position_id": None}


def balance_rows(info: Session, past: Past) -> Iterator[Row]:
    yield journal.balance(info, info.started, info.balance, "session_start", "system")
    for booking in past.bookings:
        yield journal.balance(info, booking.at, booking.balance, booking.reason, booking.by)


def audit_rows(info: Session, past: Past) -> Iterator[Row]:
    for booking in past.bookings:
        # A correction by the sync job goes around the engine's own bookkeeping.
        if booking.by != "system":
            yield journal.audit(info, booking.at, booking.balance, booking.amount)


def lesson_rows(info: Session, past: Past, end: datetime) -> Iterator[Row]:
    """Every six hours, over the thirty newest trades."""
    closings = sorted((t.closing for t in past.trades if t.closing), key=lambda closing: closing.at)
    at, known = info.started + timedelta(hours=6), 0
    while at < end:
        while known < len(closings) and closings[known].at <= at:
            known += 1
        change = next((change for change in reversed(past.risk) if change.at <= at), None)
        factor, drawdown = (change.after, change.drawdown) if change else (1.0, 0.0)
        yield lessons(info, closings[max(0, known - 30) : known], at, drawdown, factor)
        at += timedelta(hours=6)


def daily_rows(info: Session, past: Past) -> Iterator[Row]:
    """``performance_metrics`` as the engine sums a day up after each of its trades."""
    days: dict[datetime, list[Closing]] = {}
    for trade in past.trades:
        if trade.closing:
            day = trade.closing.at.replace(hour=0, minute=0, second=0, microsecond=0)
            days.setdefault(day, []).append(trade.closing)
    for day, closings in days.items():
        wins = sum(closing.net > 0 for closing in closings)
        yield {
            "period": "daily",
            "period_start": day,
            "period_end": max(closing.at for closing in closings),
            "total_trades": len(closings),
            "winning_trades": wins,
            "losing_trades": len(closings) - wins,
            "win_rate": exact(wins / len(closings)),
            "total_return": sum(closing.net for closing in closings),
            "best_trade_pnl": max(closing.gross for closing in closings),
            "worst_trade_pnl": min(closing.gross for closing in closings),
            "total_fees_paid": sum(closing.fees for closing in closings),
            "session_id": info.id,
            "created_at": day,
        }


def execution_rows(info: Session, prices: Prices, start: datetime, *, every: int, lately: int) -> Iterator[Row]:
    """What the strategy saw, each symbol in its turn; ``lately`` minutes back, every few minutes."""
    last = len(prices) - 1
    for number, minute in enumerate(range(max(CLOSES * HOUR, last - lately), last + 1, every)):
        symbol = info.symbols[number % len(info.symbols)]
        column = prices[: minute + 1, SYMBOLS.index(symbol)]
        seen = indicators(column[::-HOUR][:CLOSES][::-1], float(column[-1 - DAY]))
        at = start + timedelta(minutes=minute, seconds=7, microseconds=minute * 331 % 99_991)
        yield journal.execution(info, at, symbol, exact(float(column[-1])), seen)
