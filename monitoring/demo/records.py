"""How the engine writes sessions, positions, orders and trades as rows, for the past and the present alike."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.demo.money import ZERO, Closing, Holding, exact, fee

Row = dict[str, object]
EXCHANGE = "binance"
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Session:
    """What every row repeats of its session."""

    id: int
    mode: str
    strategy: str
    timeframe: str
    symbols: tuple[str, ...]
    started: datetime
    balance: Decimal
    """At the start."""


def session(info: Session, config: object) -> Row:
    """A running session."""
    return {
        "id": info.id,
        "session_name": f"{info.strategy}_{info.symbols[0]}_{info.started:%Y%m%d_%H%M%S}",
        "start_time": info.started,
        "end_time": None,
        "is_active": True,
        "mode": info.mode,
        "initial_balance": info.balance,
        "final_balance": None,
        "strategy_name": info.strategy,
        "strategy_config": json.dumps(config),
        "symbol": ",".join(info.symbols),
        "timeframe": info.timeframe,
        "exchange": EXCHANGE,
        "market_timezone": "UTC",
        "total_pnl": None,
        "total_trades": 0,
        "win_rate": None,
        "created_at": info.started,
        "updated_at": info.started,
    }


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


def trailing(holding: Holding, *, active: bool) -> Row:
    return {
        "trailing_stop_activated": active,
        "trailing_stop_price": holding.stop if active else None,
        "breakeven_triggered": active,
        "stop_loss": holding.stop,
    }


def position(info: Session, holding: Holding, price: Decimal, at: datetime) -> Row:
    """An open position, last priced at ``at``."""
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
        "take_profit": holding.target,
        "trailing_stop": True,
        "entry_time": holding.opened,
        "strategy_name": info.strategy,
        "confidence_score": holding.confidence,
        "exchange": EXCHANGE,
        "session_id": info.id,
        "created_at": holding.opened,
        **taken(holding),
        **trailing(holding, active=False),
        **mark(holding, price, at),
    }


def closed(holding: Holding, closing: Closing) -> Row:
    """What closing changes in a position: its last figures are those of the trade."""
    return {
        "status": "CLOSED",
        **mark(holding, closing.price, closing.at),
        "unrealized_pnl": closing.gross,
        "unrealized_pnl_percent": _percent(holding, closing),
    }


def trade(info: Session, holding: Holding, closing: Closing, reason: str, position_id: int | None) -> Row:
    excursion = holding.excursion
    return {
        "symbol": holding.symbol,
        "side": holding.side,
        "source": info.mode,
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
        "stop_loss": holding.stop,
        "take_profit": holding.target,
        "exit_reason": reason,
        "strategy_name": info.strategy,
        "confidence_score": holding.confidence,
        "order_id": _exchange_id(closing.at, holding.id),
        "exchange": EXCHANGE,
        "timeframe": info.timeframe,
        "mfe": holding.excursion_of(excursion.best),
        "mae": holding.excursion_of(excursion.worst),
        "mfe_price": excursion.best,
        "mae_price": excursion.worst,
        "mfe_time": excursion.best_at,
        "mae_time": excursion.worst_at,
        "position_id": position_id,
        "session_id": info.id,
        "created_at": closing.at,
        "updated_at": closing.at,
    }


def _percent(holding: Holding, closing: Closing) -> Decimal:
    return holding.excursion_of(closing.average) * 100


def order(
    info: Session,
    holding: Holding,
    kind: str,
    status: str,
    *,
    quantity: Decimal,
    asked: Decimal,
    created: datetime,
    filled: datetime | None = None,
    price: Decimal | None = None,
    level: int | None = None,
) -> Row:
    """``asked`` is the price wanted, ``price`` the one got."""
    done = status in ("FILLED", "CONFIRMED")
    confirmed = status == "CONFIRMED"
    return {
        "position_id": holding.id or None,
        "order_type": kind,
        "status": status,
        "exchange_order_id": _exchange_id(created, holding.id) if status != "FAILED" else None,
        "internal_order_id": f"{kind.lower()}_{holding.id}_{_milliseconds(created)}",
        "symbol": holding.symbol,
        "side": holding.side,
        "quantity": quantity,
        "price": asked,
        "filled_quantity": quantity if done else ZERO,
        "filled_price": price if done else None,
        "commission": fee(price or asked, quantity) if done else ZERO,
        "actual_fill_price": price if confirmed else None,
        "actual_fill_quantity": quantity if confirmed else None,
        "created_at": created,
        "filled_at": filled if done else None,
        "cancelled_at": filled if status == "CANCELLED" else None,
        "last_update": filled or created,
        "strategy_name": info.strategy,
        "session_id": info.id,
        "target_level": level,
    }


def _exchange_id(at: datetime, number: int) -> str:
    return f"{_milliseconds(at)}{number % 10_000:04d}"


def _milliseconds(at: datetime) -> int:
    return (at - datetime(2020, 1, 1)) // timedelta(milliseconds=1)


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
