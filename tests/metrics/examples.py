"""Facts of a made-up session, to be varied by tests."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from monitoring.metrics.facts import Account, Daily, Drawdown, Equity, Facts, OpenPosition, Risk, Session, TradeSums
from monitoring.metrics.guards import StopOrders
from monitoring.metrics.money import Books
from monitoring.metrics.reported import Entry, Errors, Halt, Logged, Market, OrderSums, RiskAdjustment

NOW = datetime(2026, 11, 22, 14, 32, 7)

SESSION = Session(
    id=7,
    ids=(7,),
    name="morning",
    mode="LIVE",
    strategy="ml_basic",
    symbols=("BTCUSDT",),
    timeframe="1h",
    exchange="binance",
    start=NOW - timedelta(days=3),
    end=None,
    initial_balance=Decimal("10000"),
    config={},
)
ERRORS = Errors(day=3, hour=1, events_of_hour=4, last_at=NOW - timedelta(hours=1), last_message="order refused")
ACCOUNT = Account(
    balance=Decimal("10100"),
    balance_at=NOW,
    equity=Decimal("10200"),
    equity_at=NOW,
    margin_used=Decimal("510"),
    margin_available=Decimal("9690"),
    currency="USDT",
)
TRADES = TradeSums(
    total=4,
    wins=2,
    losses=1,
    breakeven=1,
    unknown=0,
    gross=Decimal("110"),
    gross_wins=Decimal("160"),
    fees=Decimal("8"),
    interest=Decimal("2"),
    net_wins=Decimal("150"),
    net_losses=Decimal("-50"),
    risk=Risk(0.015, 0.014),
    today=Decimal("20"),
    today_count=1,
    week=Decimal("70"),
    outcomes="WLBW",
)
POSITION = OpenPosition(
    id=31,
    symbol="BTCUSDT",
    side="LONG",
    entry_price=Decimal("50000"),
    current_price=Decimal("51000"),
    quantity=Decimal("0.1"),
    unrealized=Decimal("100"),
    priced_at=NOW,
    opened=NOW - timedelta(hours=1),
    stop=Decimal("49000"),
)
SHORT = replace(POSITION, id=32, symbol="ETHUSDT", side="SHORT", entry_price=Decimal("2000"),
                current_price=Decimal("2100"), quantity=Decimal("1"), unrealized=Decimal("-100"),
                stop=None)  # fmt: skip

RETURNS = (0.01, -0.005) * 15
"""Of thirty closed days; this one is up to 10,200."""
DATES = tuple(date(2026, 11, 22) - timedelta(days=30 - number) for number in range(31))
INDEX = np.append(10_000 * np.cumprod(1 + np.array(RETURNS)), 10_200.0)
FACTS = Facts(
    now=NOW,
    session=SESSION,
    last_written=NOW - timedelta(seconds=20),
    run_written=NOW - timedelta(seconds=20),
    limit_seconds=300.0,
    errors=ERRORS,
    halt=Halt(active=False),
    close_only=None,
    account=ACCOUNT,
    equity=Equity(Decimal("10200"), NOW),
    daily=Daily(DATES, INDEX, INDEX, base=10_000.0),
    drawdown=Drawdown(0.5, 2.0, NOW - timedelta(days=2), NOW - timedelta(days=1), None, exact=True),
    trades=TRADES,
    books=Books(moved=Decimal(-4), entry_fees=Decimal(5), realized=Decimal(10), computed=Decimal(0)),
    positions=(POSITION, SHORT),
    orders=OrderSums(filled=18, failed=2, slippage_percent=0.02, latency_ms=120.0),
    entry=Entry(NOW - timedelta(hours=2), RiskAdjustment(0.5, "drawdown", NOW - timedelta(hours=2))),
    market=Market(Logged(-1.5, NOW), Logged(55.0, NOW), Logged("Bullish", NOW)),
    configured_risk=0.02,
    stop_orders={31: StopOrders(Decimal("48500"), "OPEN")},
)

NOTHING = Facts(
    now=NOW,
    session=replace(SESSION, initial_balance=None),
    last_written=None,
    run_written=None,
    limit_seconds=300.0,
    errors=Errors(),
    halt=Halt(None),
    close_only=None,
    account=Account(None, None, None, None, None, None, None),
    equity=None,
    daily=None,
    drawdown=None,
    trades=None,
    positions=None,
    orders=None,
    entry=None,
    market=Market(),
    configured_risk=None,
)
"""A session of which no table but its own can be read."""


def facts(**parts: Any) -> Facts:
    """FACTS with some parts replaced; of errors, account and trades a dict replaces some fields."""
    whole = {name: replace(known, **part) if isinstance(part, dict) and not isinstance(known, dict) else part
             for name, part in parts.items() for known in (getattr(FACTS, name),)}  # fmt: skip
    return replace(FACTS, **whole)


def daily(*index: float) -> Daily:
    """Daily closes from 19 November 2026 on."""
    dates = tuple(date(2026, 11, 19) + timedelta(days=number) for number in range(len(index)))
    return Daily(dates, np.array(index, dtype=float), np.array(index, dtype=float))
