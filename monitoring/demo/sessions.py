"""The three sessions of the demo: one that runs, and two ended ones that a dashboard must not mix with it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.demo.market import SYMBOLS
from monitoring.demo.past import Plan
from monitoring.demo.records import Session

MAX_OPEN = 3
LIVE_CONFIG = {
    "model": "sentiment_v3",
    "fee_rate": 0.0004,
    "risk": {"risk_per_trade": 0.02, "max_open_positions": MAX_OPEN, "max_drawdown": 0.2, "leverage": 3},
    "trailing_stop": {"activation": 0.5, "distance": 0.004},
}
# Some configurations reach the database as a JSON string that holds JSON.
PAPER_CONFIG = json.dumps({"model": "basic_v1", "risk_per_trade": 0.01, "max_open_positions": 2})
BACKTEST_CONFIG = {"model": "sentiment_v2", "risk_manager": {"risk_per_trade": 0.015, "max_open_positions": 3}}


@dataclass(frozen=True, slots=True)
class Script:
    """A session and how it trades on the common path of prices."""

    session: Session
    plan: Plan
    config: object
    ended: datetime | None = None
    live: bool = True
    """Whether positions, orders and snapshots were written: a backtest only leaves trades."""
    every: int = 5
    """Minutes between older snapshots."""
    minutely_for: int = 0


def scripts(start: datetime, minutes: int) -> tuple[Script, Script, Script]:
    """``start`` is the time of the path's first minute; ``minutes`` its length."""

    def at(progress: float) -> int:
        return int(minutes * progress)

    def when(minute: int) -> datetime:
        return start + timedelta(minutes=minute)

    live = Script(
        Session(1, "LIVE", "ml_sentiment", "1h", SYMBOLS, start, Decimal(25_000)),
        Plan(
            symbols=SYMBOLS,
            first=0,
            last=minutes,
            balance=Decimal(25_000),
            entries_a_day=6.4,
            slots=MAX_OPEN,
            sizes=(0.16, 0.32),
            skill=_skill(0.60, 0.44, (0.45, 0.60)),
            flows=(
                (0.30, Decimal(2_500), "Manual adjustment: monthly deposit", "user"),
                (0.78, Decimal("-11.37"), "exchange_sync_correction", "system"),
            ),
            pause=(at(0.40), at(0.40) + 47),
            keep_open=MAX_OPEN,
        ),
        LIVE_CONFIG,
        minutely_for=2 * 1440,
    )
    paper = Script(
        Session(2, "PAPER", "ml_basic", "4h", SYMBOLS[:1], when(at(0.15)), Decimal(10_000)),
        Plan(
            symbols=SYMBOLS[:1],
            first=at(0.15),
            last=at(0.65),
            balance=Decimal(10_000),
            entries_a_day=2.5,
            slots=2,
            sizes=(0.1, 0.2),
            skill=lambda progress: 0.53,
        ),
        PAPER_CONFIG,
        ended=when(at(0.65) + 1),
        every=15,
    )
    backtest = Script(
        Session(3, "BACKTEST", "ml_sentiment", "1h", SYMBOLS[:2], when(at(0.70)), Decimal(100_000)),
        Plan(
            symbols=SYMBOLS[:2],
            first=0,
            last=at(0.50),
            balance=Decimal(100_000),
            entries_a_day=4.0,
            slots=MAX_OPEN,
            sizes=(0.2, 0.4),
            skill=lambda progress: 0.66,
        ),
        BACKTEST_CONFIG,
        ended=when(at(0.70) + 6),
        live=False,
    )
    return live, paper, backtest


def _skill(usual: float, bad: float, spell: tuple[float, float]) -> Callable[[float], float]:
    """A spell in which the market does not suit the strategy makes the drawdown."""
    return lambda progress: bad if spell[0] <= progress < spell[1] else usual
