"""Rows as the engine writes them, for what is told of them: a long of 2 from 100, stop 90, target 130, sold at 112."""

from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.story.deal import Deal, Row, of_position, of_trade

OPENED = datetime(2026, 11, 25, 3, 31, 17)
CLOSED = datetime(2026, 11, 25, 12, 46, 20)


def after(**interval: float) -> datetime:
    """A time counted from the entry."""
    return OPENED + timedelta(**interval)


def numbers(**columns: object) -> dict[str, object]:
    """Numbers as the database gives them; anything else as it is."""
    return {name: Decimal(str(value)) if type(value) in (int, float) else value for name, value in columns.items()}


def trade(**columns: object) -> Row:
    return {
        **numbers(symbol="BTCUSD", side="LONG", entry_price=100, exit_price=112, size=0.1, quantity=2, pnl=24,
                  net_pnl=20, commission=4, margin_interest_cost=0, stop_loss=None, take_profit=None, mfe=0.2,
                  mae=-0.05, mfe_price=120, mae_price=95),
        "id": 956, "position_id": 7, "order_id": None, "exit_reason": "time_exit", "entry_time": OPENED,
        "exit_time": CLOSED, "mfe_time": after(hours=6), "mae_time": after(hours=1), **numbers(**columns),
    }  # fmt: skip


def position(**columns: object) -> Row:
    return {
        **numbers(symbol="BTCUSD", side="LONG", status="OPEN", entry_price=100, current_price=112, unrealized_pnl=24,
                  unrealized_pnl_percent=12, quantity=2, size=0.1, entry_balance=2000, original_size=0.1,
                  current_size=0.1, stop_loss=90, take_profit=130, mfe=0.2, mae=-0.05, mfe_price=120, mae_price=95),
        "id": 7, "trailing_stop_activated": False, "breakeven_triggered": False, "entry_time": OPENED,
        "last_update": CLOSED, "mfe_time": after(hours=6), "mae_time": after(hours=1), **numbers(**columns),
    }  # fmt: skip


def order(kind: str, **columns: object) -> Row:
    return {
        **numbers(quantity=2, price=100, filled_quantity=2, filled_price=100, commission=1, actual_fill_price=None,
                  actual_fill_quantity=None, actual_commission=None),
        "order_type": kind, "status": "FILLED", "side": "LONG", "created_at": OPENED, "filled_at": OPENED,
        "cancelled_at": None, **numbers(**columns),
    }  # fmt: skip


def stop(price: object, **columns: object) -> Row:
    """A stop order that rests."""
    unfilled = {"status": "OPEN", "filled_at": None, "filled_price": None, "filled_quantity": 0}
    return order("STOP_LOSS", price=price, **{**unfilled, **columns})


def decision(**columns: object) -> Row:
    return {
        "timestamp": after(seconds=-2), "signal_type": "entry", "action_taken": "opened_long", "indicators": None,
        "ml_predictions": None, "reasons": None, "confidence_score": 0.75, "trade_id": None,
        **numbers(price=100, position_size=0.1), **columns,
    }  # fmt: skip


def deal(**columns: object) -> Deal:
    """Of the trade, with a stop order at 90: it risked 20, 1 % of the balance."""
    return of_trade(trade(**columns), position(), [stop(90)], Decimal(20), Decimal(2000))


def open_deal(**columns: object) -> Deal:
    return of_position(position(**columns), [stop(90)])
