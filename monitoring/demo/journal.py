"""How the engine keeps its books and its diary: snapshots, balances, events and decisions as rows."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from monitoring.demo.money import ZERO, Closing, exact
from monitoring.demo.records import CURRENCY, Row, Session


def snapshot(
    info: Session, at: datetime, *, balance: Decimal, equity: Decimal, total_pnl: Decimal, daily_pnl: Decimal,
    drawdown: Decimal, open_positions: int, exposure: Decimal,
) -> Row:  # fmt: skip
    """A real snapshot; ``drawdown`` in percent and of the balance. The engine always writes a used margin of zero."""
    return {
        "timestamp": at,
        "balance": balance,
        "equity": equity,
        "margin_used": ZERO,
        "margin_available": balance,
        "total_pnl": total_pnl,
        "daily_pnl": daily_pnl,
        "drawdown": exact(drawdown),
        "open_positions": open_positions,
        "total_exposure": exposure,
        "session_id": info.id,
        "created_at": at,
    }


def audit(info: Session, at: datetime, balance: Decimal, change: Decimal) -> Row:
    """The engine's trace of a booking in the same table: it knows nothing of open positions."""
    return snapshot(
        info, at, balance=balance, equity=balance, total_pnl=ZERO, daily_pnl=change, drawdown=ZERO, open_positions=0,
        exposure=ZERO,
    )  # fmt: skip


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
    info: Session, at: datetime, kind: str, severity: str, component: str | None, message: str, *,
    code: str | None = None, details: object = None,
) -> Row:  # fmt: skip
    return {
        "timestamp": at,
        "event_type": kind,
        "severity": severity,
        "message": message,
        "details": None if details is None else json.dumps(details),
        "component": component,
        "error_code": code,
        "alert_sent": False,
        "session_id": info.id,
        "created_at": at,
    }


def started(info: Session, at: datetime) -> Row:
    details = {"session_id": info.id, "strategy": info.strategy, "mode": info.mode, "balance": float(info.balance)}
    text = f"Trading session created: {info.name}"
    return event(info, at, "ENGINE_START", "info", None, text, details=details)


def stopped(info: Session, at: datetime, trades: int) -> Row:
    details = {"duration_hours": (at - info.started).total_seconds() / 3600, "total_trades": trades}
    return event(info, at, "ENGINE_STOP", "info", None, f"Trading session ended: {info.name}", details=details)


def reconciled(info: Session, at: datetime, entity: str, field: str, old: object, new: object, reason: str) -> Row:
    return {
        "session_id": info.id,
        "timestamp": at,
        "entity_type": entity,
        "entity_id": 0,
        "field": field,
        "old_value": str(old),
        "new_value": str(new),
        "reason": reason,
        "severity": "LOW",
    }


def risk_adjustment(info: Session, at: datetime, factor: float, drawdown: float) -> Row:
    """How the size of an entry was reduced; the engine writes no row where it was not."""
    return {
        "timestamp": at,
        "adjustment_type": "drawdown",
        "trigger_reason": f"drawdown_{drawdown:.1%}",
        "parameter_name": "position_size_factor",
        "original_value": exact(1.0),
        "adjusted_value": exact(factor),
        "adjustment_factor": exact(factor),
        "current_drawdown": exact(drawdown),
        "trades_during_adjustment": 0,
        "session_id": info.id,
        "created_at": at,
    }


def daily(info: Session, day: datetime, at: datetime, closings: Sequence[Closing]) -> Row:
    """``performance_metrics`` of a day, as the engine sums it up after each of its trades."""
    wins = sum(closing.net > 0 for closing in closings)
    return {
        "period": "daily",
        "period_start": day,
        "period_end": at,
        "total_trades": len(closings),
        "winning_trades": wins,
        "losing_trades": len(closings) - wins,
        "win_rate": exact(wins / len(closings)),
        "total_return": sum(closing.net for closing in closings),
        "best_trade_pnl": max(closing.gross for closing in closings),
        "worst_trade_pnl": min(closing.gross for closing in closings),
        "total_fees_paid": sum(closing.fees for closing in closings),
        "session_id": info.id,
        "updated_at": at,
    }


def execution(
    info: Session, at: datetime, symbol: str, price: Decimal, indicators: dict[str, object], *,
    signal: str = "hold", action: str = "no_action", confidence: float = 0.5, size: Decimal | None = None,
) -> Row:  # fmt: skip
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
