"""How the engine writes sessions, positions, orders and trades as rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from monitoring.demo.money import ZERO, Closing, Holding, exact, fee

Row = dict[str, Any]
CURRENCY = "USD"
LONG_AGO = datetime(2020, 1, 1)
"""A time before every demo."""


@dataclass(frozen=True, slots=True)
class Session:
    """What rows repeat from their session."""

    id: int
    mode: str
    strategy: str
    timeframe: str
    symbols: tuple[str, ...]
    exchange: str
    started: datetime
    balance: Decimal
    """The balance at the start."""

    @property
    def name(self) -> str:
        return f"{self.strategy}_{self.symbols[0]}_{self.started:%Y%m%d_%H%M%S}"


def session(info: Session, config: object) -> Row:
    """A running session."""
    return {
        "session_name": info.name,
        "start_time": info.started,
        "is_active": True,
        "mode": info.mode,
        "initial_balance": info.balance,
        "strategy_name": info.strategy,
        "strategy_config": json.dumps(config),
        "symbol": ",".join(info.symbols),
        "timeframe": info.timeframe,
        "exchange": info.exchange,
        "market_timezone": "UTC",
        "total_trades": 0,
        "created_at": info.started,
        "updated_at": info.started,
    }


def ended(closings: Sequence[Closing], balance: Decimal, at: datetime) -> Row:
    row = {"end_time": at, "is_active": False, "final_balance": balance, "total_trades": len(closings)}
    if closings:
        wins = sum(closing.net > 0 for closing in closings)
        row |= {"win_rate": exact(100 * wins / len(closings)), "total_pnl": sum(closing.net for closing in closings)}
    return row | {"updated_at": at}


def mark(holding: Holding, price: Decimal, at: datetime) -> Row:
    """What the engine renews while a position is open; percent of the balance at entry, as it reckons."""
    unrealized = holding.unrealized(price)
    return {
        "current_price": price,
        "unrealized_pnl": unrealized,
        "unrealized_pnl_percent": exact(unrealized / holding.balance * 100),
        "last_update": at,
        "updated_at": at,
        "mfe": holding.excursion_of(holding.excursion.best),
        "mae": holding.excursion_of(holding.excursion.worst),
        "mfe_price": holding.excursion.best,
        "mae_price": holding.excursion.worst,
        "mfe_time": holding.excursion.best_at,
        "mae_time": holding.excursion.worst_at,
    }


def taken(holding: Holding) -> Row:
    """What partial exits change."""
    return {
        "current_size": holding.left_size,
        "partial_exits_taken": holding.parts_taken,
        "last_partial_exit_price": holding.part_price,
    }


def trailed(holding: Holding) -> Row:
    return {
        "trailing_stop_activated": True,
        "trailing_stop_price": holding.stop,
        "breakeven_triggered": True,
        "stop_loss": holding.stop,
    }


def position(info: Session, holding: Holding) -> Row:
    """An open position, just filled."""
    return {
        "symbol": holding.symbol,
        "side": holding.side,
        "status": "OPEN",
        "entry_price": holding.entry_price,
        "size": holding.size,
        "quantity": holding.quantity,
        "entry_balance": holding.balance,
        "original_size": holding.size,
        "scale_ins_taken": 0,
        "stop_loss": holding.stop,
        "take_profit": holding.target,
        "trailing_stop_activated": False,
        "breakeven_triggered": False,
        "entry_time": holding.opened,
        "strategy_name": info.strategy,
        "confidence_score": holding.confidence,
        "exchange": info.exchange,
        "session_id": info.id,
        "created_at": holding.opened,
        **taken(holding),
        **mark(holding, holding.entry_price, holding.opened),
    }


def closed(holding: Holding, closing: Closing) -> Row:
    """What closing changes in a position: its last figures are those of the trade."""
    return {
        "status": "CLOSED",
        **mark(holding, closing.price, closing.at),
        "unrealized_pnl": closing.gross,
        "unrealized_pnl_percent": _percent(holding, closing),
    }


def trade(info: Session, holding: Holding, closing: Closing, reason: str) -> Row:
    """``source`` is LIVE in a PAPER session too, and stop and target are unknown, because the engine writes them so."""
    return {
        "symbol": holding.symbol,
        "side": holding.side,
        "source": "BACKTEST" if info.mode == "BACKTEST" else "LIVE",
        "entry_price": holding.entry_price,
        "exit_price": closing.average,
        "size": holding.size,
        "quantity": holding.quantity,
        "entry_time": holding.opened,
        "exit_time": closing.at,
        "pnl": closing.gross,
        "pnl_percent": _percent(holding, closing),
        "commission": closing.fees,
        "margin_interest_cost": closing.interest,
        "exit_reason": reason,
        "strategy_name": info.strategy,
        "exchange": info.exchange,
        **{name: value for name, value in mark(holding, closing.price, closing.at).items() if name[:2] in ("mf", "ma")},
        "position_id": holding.id,
        "session_id": info.id,
        "created_at": closing.at,
        "updated_at": closing.at,
    }


def _percent(holding: Holding, closing: Closing) -> Decimal:
    return holding.excursion_of(closing.average) * 100


def order(
    info: Session, holding: Holding, kind: str, status: str, quantity: Decimal, price: Decimal, at: datetime
) -> Row:
    """An order that is being sent, or is open at the exchange."""
    name = f"{kind.lower()}_{holding.symbol}_{_microseconds(at)}"
    return {
        "position_id": holding.id or None,
        "order_type": kind,
        "status": status,
        "exchange_order_id": None if status == "PENDING_SUBMIT" else exchange_id(at),
        "internal_order_id": name,
        "client_order_id": name,
        "symbol": holding.symbol,
        "side": holding.side,
        "quantity": quantity,
        "price": price,
        "filled_quantity": ZERO,
        "commission": ZERO,
        "created_at": at,
        "last_update": at,
        "strategy_name": info.strategy,
        "session_id": info.id,
    }


def filled(price: Decimal, quantity: Decimal, at: datetime) -> Row:
    """What a fill changes in an order."""
    return {
        "status": "FILLED",
        "filled_quantity": quantity,
        "filled_price": price,
        "commission": fee(price, quantity),
        "filled_at": at,
        "last_update": at,
    }


def cancelled(at: datetime) -> Row:
    return {"status": "CANCELLED", "cancelled_at": at, "last_update": at}


def exchange_id(at: datetime) -> str:
    return f"28{_microseconds(at)}"


def _microseconds(at: datetime) -> int:
    return (at - LONG_AGO) // timedelta(microseconds=1)


def partial(holding: Holding, at: datetime, price: Decimal, quantity: Decimal, earned: Decimal) -> Row:
    return {
        "position_id": holding.id,
        "operation_type": "PARTIAL_EXIT",
        "size": exact(holding.size * quantity / holding.quantity),
        "price": price,
        "pnl": earned,
        "target_level": holding.parts_taken,
        "timestamp": at,
    }
