"""How the engine keeps its books and its diary: snapshots, balances, events and decisions as rows."""

import json
from datetime import datetime
from decimal import Decimal

from monitoring.demo.money import LEVERAGE, ZERO, exact, stored
from monitoring.demo.records import CURRENCY, Row, Session


def snapshot(
    info: Session,
    at: datetime,
    *,
    balance: Decimal,
    equity: Decimal | float,
    total_pnl: Decimal | float,
    daily_pnl: Decimal | float,
    drawdown: Decimal | float,
    open_positions: int,
    exposure: Decimal | float,
) -> Row:
    """A real snapshot; ``drawdown`` in percent and of the balance, as the engine stores it."""
    used = exact(exposure) / LEVERAGE
    return {
        "timestamp": at,
        "balance": balance,
        "equity": stored(equity),
        "margin_used": exact(used),
        "margin_available": exact(balance - used),
        "total_pnl": stored(total_pnl),
        "daily_pnl": stored(daily_pnl),
        "drawdown": stored(drawdown),
        "open_positions": open_positions,
        "total_exposure": stored(exposure),
        "session_id": info.id,
        "created_at": at,
    }


def audit(info: Session, at: datetime, balance: Decimal, change: Decimal) -> Row:
    """The engine's trace of a booking in the same table: it knows nothing of open positions."""
    return snapshot(
        info,
        at,
        balance=balance,
        equity=balance,
        total_pnl=ZERO,
        daily_pnl=change,
        drawdown=ZERO,
        open_positions=0,
        exposure=ZERO,
    )


def balance(info: Session, at: datetime, total: Decimal, reason: str, by: str) -> Row:
    return {
        "base_currency": CURRENCY,
        "total_balance": total,
        "available_balance": total,
        "reserved_balance": ZERO,
        "asset_balances": "{}",
        "last_updated": at,
        "updated_by": by,
        "update_reason": reason,
        "session_id": info.id,
        "created_at": at,
    }


def event(
    info: Session,
    at: datetime,
    kind: str,
    severity: str,
    component: str,
    message: str,
    *,
    details: object = None,
    code: str | None = None,
) -> Row:
    alerted = severity in ("error", "critical")
    return {
        "timestamp": at,
        "event_type": kind,
        "severity": severity,
        "message": message,
        "details": None if details is None else json.dumps(details),
        "component": component,
        "error_code": code,
        "alert_sent": alerted,
        "alert_method": "webhook" if alerted else None,
        "session_id": info.id,
        "created_at": at,
    }


def risk_adjustment(info: Session, at: datetime, factor: float, drawdown: float) -> Row:
    """A new ``position_size_factor``; the engine notes it against 1, not against the one before."""
    kind = "drawdown" if factor < 1 else "recovery"
    return {
        "timestamp": at,
        "adjustment_type": kind,
        "trigger_reason": f"{kind}_{drawdown:.1%}",
        "parameter_name": "position_size_factor",
        "original_value": exact(1.0),
        "adjusted_value": exact(factor),
        "adjustment_factor": exact(factor),
        "current_drawdown": exact(drawdown),
        "trades_during_adjustment": 0,
        "session_id": info.id,
        "created_at": at,
    }


def execution(
    info: Session,
    at: datetime,
    symbol: str,
    price: Decimal,
    indicators: dict[str, object],
    *,
    signal: str = "hold",
    action: str = "no_action",
    confidence: float = 0.5,
    size: Decimal | None = None,
) -> Row:
    """What the strategy saw and decided."""
    return {
        "timestamp": at,
        "strategy_name": info.strategy,
        "symbol": symbol,
        "timeframe": info.timeframe,
        "signal_type": signal,
        "signal_strength": round(abs(confidence - 0.5) * 2, 4),
        "confidence_score": confidence,
        "indicators": json.dumps(indicators),
        "action_taken": action,
        "position_size": size,
        "reasons": json.dumps([f"signal_{signal}", f"confidence_{confidence:.2f}"]),
        "price": price,
        "session_id": info.id,
        "created_at": at,
    }
