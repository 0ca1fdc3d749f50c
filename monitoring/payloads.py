"""What programs are sent, over REST and over Socket.IO: plain dicts of numbers, words and ISO timestamps, never NaN."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from monitoring.metrics.catalogue import CATALOGUE, Evaluation, Metric
from monitoring.metrics.facts import Facts
from monitoring.metrics.health import in_time
from monitoring.scope import max_open_positions
from monitoring.sections.position_rows import Position
from monitoring.sections.trade_rows import Trade

Payload = dict[str, object]
Row = Mapping[str, object]

ORDER_NUMBERS = ("quantity", "price", "filled_quantity", "filled_price", "commission", "size_fraction")
ORDER_TIMES = ("created_at", "filled_at", "cancelled_at", "last_update")


def timestamp(moment: datetime | None) -> str | None:
    """Naive UTC as ISO-8601 with ``+00:00``."""
    return None if moment is None else f"{moment.isoformat()}+00:00"


def plain(value: object) -> object:
    """``value`` as JSON can hold it: Decimal as a number, times as text, NaN and the infinities as None."""
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Decimal | float):
        value = float(value)
        return value if math.isfinite(value) else None
    return value


def number(value: Decimal | float | None) -> float | None:
    """``value`` as JSON can hold it; what is infinite or NaN is None."""
    if value is None:
        return None
    plain_value = float(value)
    return plain_value if math.isfinite(plain_value) else None


def plain_fields(row: Row, names: Iterable[str]) -> Payload:
    """The named columns of ``row``, plain."""
    return {name: plain(row[name]) for name in names}


def metrics_payload(evaluation: Evaluation) -> Payload:
    """The object of ``/api/metrics``: every metric by key, None where unknown, and ``reasons`` for each None."""
    values = {key: plain(value) for key, value in evaluation.values.items()}
    return {**values, "reasons": dict(evaluation.reasons)}


def empty_metrics(reason: str, metrics: Iterable[Metric] = CATALOGUE) -> Payload:
    """The same object where nothing is known, and why."""
    keys = [metric.key for metric in metrics]
    return {**dict.fromkeys(keys), "reasons": dict.fromkeys(keys, reason)}


def trade_payload(trade: Trade) -> Payload:
    """One closed trade: ``pnl`` before costs, ``net_pnl`` after them, excursions as fractions of the entry price."""
    row = trade.row
    # Field by field: lists hold up to a thousand of them.
    return {
        "id": row["id"],
        "symbol": row["symbol"],
        "side": row["side"],
        "entry_price": number(row["entry_price"]),
        "exit_price": number(row["exit_price"]),
        "quantity": number(row["quantity"]),
        "entry_time": timestamp(row["entry_time"]),
        "exit_time": timestamp(row["exit_time"]),
        "pnl": number(row["pnl"]),
        "net_pnl": number(row["net_pnl"]),
        "commission": number(row["commission"]),
        "pnl_percent": number(row["pnl_percent"]),
        "exit_reason": row["exit_reason"],
        "strategy_name": row["strategy_name"],
        "duration_seconds": None if trade.duration is None else trade.duration.total_seconds(),
        "r": trade.r,
        "mfe": _fraction(trade.mfe),
        "mae": _fraction(trade.mae),
    }


def position_payload(position: Position) -> Payload:
    """One open position and its orders; its open P&L is unknown as long as its price is."""
    row = position.row
    return {
        **plain_fields(row, ("id", "symbol", "entry_price", "current_price", "quantity", "size", "entry_time")),
        **plain_fields(row, ("stop_loss", "take_profit", "trailing_stop_activated", "trailing_stop_price")),
        **plain_fields(row, ("breakeven_triggered", "original_size", "current_size", "partial_exits_taken")),
        **plain_fields(row, ("scale_ins_taken", "last_partial_exit_price", "last_scale_in_price")),
        **plain_fields(row, ("unrealized_pnl", "unrealized_pnl_percent", "last_update", "session_id")),
        "side": position.side,
        "mfe": _fraction(position.mfe),
        "mae": _fraction(position.mae),
        "held": plain(position.held),
        "r": plain(position.r),
        "realized_pnl": plain(position.realized),
        "stale": position.stale,
        "stop_order": position.stop_order,
        "orders": [order_payload(order) for order in position.orders],
    }


def order_payload(order: Row) -> Payload:
    """One order."""
    return {
        **plain_fields(order, ("id", "position_id", "order_type", "status", "symbol", "target_level")),
        **plain_fields(order, ("exchange_order_id", "internal_order_id", *ORDER_NUMBERS, *ORDER_TIMES)),
        "side": order["side"],
    }


def bot_payload(facts: Facts) -> Payload:
    """Who trades, on what, and since when. ``connected``: the engine gives signs of life as often as it should."""
    session = facts.session
    return {
        "name": session.strategy,
        "symbols": list(session.symbols),
        "timeframe": session.timeframe,
        "mode": session.mode.lower(),
        "status": "stopped" if session.ended(facts.now) else "running",
        "connected": in_time(facts),
        "initial_balance": plain(session.initial_balance),
        "max_open_positions": max_open_positions(session.config),
        "risk_per_trade": plain(facts.configured_risk),
        "uptime_seconds": uptime_seconds(facts),
        "last_update": timestamp(facts.last_sign),
    }


def empty_bot() -> Payload:
    """The same object where there is no session."""
    names = ("name", "timeframe", "mode", "initial_balance", "max_open_positions", "risk_per_trade")
    unknown = dict.fromkeys((*names, "uptime_seconds", "last_update"))
    return {**unknown, "symbols": [], "status": "stopped", "connected": False}


def uptime_seconds(facts: Facts) -> float | None:
    """How long the session has run, or ran; None where it starts in the future."""
    session = facts.session
    seconds = ((session.ended(facts.now) or facts.now) - session.run_began).total_seconds()
    return seconds if seconds >= 0 else None


def _fraction(percent: float | None) -> float | None:
    return None if percent is None else percent / 100
