"""The diary of a made-up past: what the engine reported of itself, and what it learned from its trades."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

import numpy as np

from monitoring.demo.journal import event, risk_adjustment
from monitoring.demo.market import SYMBOLS, Prices
from monitoring.demo.money import Closing, exact
from monitoring.demo.past import Booking, Past
from monitoring.demo.records import Row, Session

WARNINGS = (
    ("WARNING", "warning", "data_provider", "Candle for {symbol} arrived {n} s late", "STALE_CANDLE"),
    ("WARNING", "warning", "exchange", "Rate limit at {n}0 % of its weight, slowing down", "RATE_LIMIT"),
    ("WARNING", "warning", "order_tracker", "Order book of {symbol} is thin: slippage of 0.{n} % expected", None),
    ("SHORT_ENTRY_BLOCKED", "info", "entry_coordinator", "Short entry in {symbol} blocked: nothing to borrow", None),
    ("ALERT", "info", "health_monitor", "WebSocket of {symbol} reconnected after {n} s", "WS_RECONNECT"),
    ("MODEL_UPDATE", "info", "prediction", "Model for {symbol} retrained on {n}00 days", None),
)
ERRORS = (
    ("exchange", "Order for {symbol} refused: insufficient margin", "ORDER_REJECTED"),
    ("data_provider", "No candles for {symbol} from the exchange: timed out after {n} s", "FEED_TIMEOUT"),
    ("reconciliation", "Position in {symbol} differs from the exchange by 0.000{n}", "POSITION_MISMATCH"),
)


def remark(info: Session, at: datetime, generator: np.random.Generator) -> Row:
    """One of the everyday messages."""
    kind, severity, component, text, code = WARNINGS[generator.integers(len(WARNINGS))]
    return event(info, at, kind, severity, component, _filled(text, info, generator), code=code)


def failure(info: Session, at: datetime, generator: np.random.Generator) -> Row:
    component, text, code = ERRORS[generator.integers(len(ERRORS))]
    return event(info, at, "ERROR", "error", component, _filled(text, info, generator), code=code)


def _filled(text: str, info: Session, generator: np.random.Generator) -> str:
    return text.format(symbol=generator.choice(info.symbols), n=generator.integers(2, 10))


def started(info: Session, at: datetime) -> Row:
    details = {"session_id": info.id, "strategy": info.strategy, "mode": info.mode}
    name = f"{info.mode} session of {info.strategy}"
    return event(info, at, "ENGINE_START", "info", "engine", f"Trading session created: {name}", details=details)


def adjustment(info: Session, booking: Booking) -> Row:
    """The event that goes with a manual change of the balance."""
    old = booking.balance - booking.amount
    details = {
        "old_balance": float(old),
        "new_balance": float(booking.balance),
        "reason": booking.reason.partition(": ")[2],
        "adjusted_by": booking.by,
    }
    text = f"Balance manually adjusted from ${old:.2f} to ${booking.balance:.2f}"
    return event(info, booking.at, "BALANCE_ADJUSTMENT", "info", "database", text, details=details)


def reconciled(info: Session, booking: Booking) -> Row:
    """The trace of a correction that the sync job made by itself."""
    return {
        "session_id": info.id,
        "timestamp": booking.at,
        "entity_type": "balance",
        "field": "total_balance",
        "old_value": str(booking.balance - booking.amount),
        "new_value": str(booking.balance),
        "reason": "Balance differed from the exchange",
        "severity": "LOW",
    }


def diary(
    info: Session, past: Past, pause: tuple[datetime, datetime] | None, end: datetime, generator: np.random.Generator
) -> Iterator[Row]:
    """The events of a session: everyday ones, failures, and those that what happened calls for."""
    yield started(info, info.started)
    days = (end - info.started).days
    for day in range(days):
        at = info.started + timedelta(days=day, seconds=int(generator.integers(86_400)))
        yield (failure if day % 17 == 11 else remark)(info, at, generator)
    yield event(
        info, info.started + (end - info.started) / 3, "STRATEGY_CHANGE", "info", "strategy_manager",
        f"Parameters of {info.strategy} changed: risk_per_trade 0.015 → 0.02",
    )  # fmt: skip
    if pause:
        yield event(info, pause[0], "ENGINE_STOP", "warning", "engine", "Trading engine stopped: host maintenance")
        yield event(info, pause[1], "ENGINE_START", "info", "engine", "Trading engine resumed the session")
    for booking in past.bookings:
        if booking.flow and booking.by == "user":
            yield adjustment(info, booking)
    for change in past.risk:
        if change.after <= 0.5 < change.before:
            text = f"Would have tripped: drawdown of the account at {change.drawdown:.1%}, limit 8.0%"
            yield event(info, change.at, "CIRCUIT_BREAKER_DRY_RUN", "critical", "circuit_breaker", text)


def adjustments(info: Session, past: Past) -> Iterator[Row]:
    for change in past.risk:
        yield risk_adjustment(info, change.at, change.after, change.drawdown)
    if past.risk:
        yield risk_adjustment(info, past.risk[0].at, 0.9, past.risk[0].drawdown) | {
            "adjustment_type": "volatility",
            "trigger_reason": "volatility_high",
            "parameter_name": "stop_loss_multiplier",
        }


def lessons(info: Session, closings: Sequence[Closing], at: datetime, drawdown: float, factor: float) -> Row:
    """Rolling performance over the newest trades, oldest first in ``closings``."""
    nets = np.array([float(closing.net) for closing in closings])
    wins, losses = nets[nets > 0], nets[nets < 0]
    newest = nets[::-1] > 0
    spread = float(nets.std(ddof=1)) if len(nets) > 1 else 0.0
    return {
        "timestamp": at,
        "rolling_win_rate": exact(len(wins) / len(nets)) if len(nets) else None,
        "rolling_sharpe_ratio": exact(float(nets.mean()) / spread * 365**0.5) if spread else None,
        "current_drawdown": exact(drawdown),
        "consecutive_losses": sum(1 for _ in takewhile(lambda won: not won, newest)),
        "consecutive_wins": sum(1 for _ in takewhile(bool, newest)),
        "risk_adjustment_factor": exact(factor),
        "profit_factor": exact(float(wins.sum() / -losses.sum())) if len(losses) else None,
        "expectancy": exact(float(nets.mean())) if len(nets) else None,
        "session_id": info.id,
        "created_at": at,
    }


def correlations(prices: Prices, at: datetime) -> Iterator[Row]:
    """Pairwise, of hourly returns."""
    moves = np.diff(np.log(prices[::60]), axis=0)
    matrix = np.corrcoef(moves.T)
    for one in range(len(SYMBOLS)):
        for other in range(one + 1, len(SYMBOLS)):
            yield {
                "symbol_pair": f"{SYMBOLS[one]}-{SYMBOLS[other]}",
                "correlation_value": exact(float(matrix[one, other])),
                "p_value": exact(0.0),
                "sample_size": len(moves),
                "last_updated": at,
                "window_days": 60,
            }


def exposure_group(name: str, symbols: Sequence[str], exposure: float, count: int, at: datetime) -> Row:
    return {
        "correlation_group": name,
        "total_exposure": exact(exposure),
        "position_count": count,
        "symbols": json.dumps(list(symbols)),
        "last_updated": at,
    }
