"""The figures of a bot once more, the plain way: all its rows in memory, one loop a figure."""

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import mean, median, stdev
from typing import Any

from tests.projections import flow_reference
from tests.projections.chain_reference import Row, ScopeRows, bot_end, last_sign, limit

PENDING = ("PENDING", "OPEN", "PENDING_SUBMIT", "SUBMITTED", "UNKNOWN", "UNRESOLVED")
MINUTE, DAY, WEEK = timedelta(minutes=1), timedelta(days=1), timedelta(days=7)
END_GRACE = timedelta(minutes=15)

Figures = dict[str, Any]


def net(trade: Row) -> Decimal:
    return trade["pnl"] - (trade["commission"] or 0) - (trade["margin_interest_cost"] or 0)


def trade_figures(scope: ScopeRows, now: datetime) -> Figures:
    trades = sorted(scope.of("trades"), key=lambda row: (row["exit_time"], row["id"]), reverse=True)
    nets = [net(trade) for trade in trades]
    known = [value for value in nets if not value.is_nan()]
    wins, losses = [value for value in known if value > 0], [value for value in known if value < 0]
    past = [trade for trade in trades if trade["exit_time"] <= now + MINUTE]
    today = [net(trade) for trade in past if trade["exit_time"].date() == now.date()]
    week = [net(trade) for trade in past if now - WEEK < trade["exit_time"]]
    all_known, risks = len(known) == len(nets), _risks(scope, trades)
    letters = "".join("?" if value.is_nan() else "W" if value > 0 else "L" if value < 0 else "B" for value in nets[:10])
    return {
        "ids": [trade["id"] for trade in trades],
        "nets": [None if value.is_nan() else value for value in nets],
        "total_trades": len(nets),
        "recent_trade_outcomes": letters or None,
        "daily_pnl": _total(today),
        "weekly_pnl": _total(week),
        "total_pnl": _total(nets),
        "winning_trades": len(wins) if all_known else None,
        "losing_trades": len(losses) if all_known else None,
        "breakeven_trades": known.count(Decimal(0)) if all_known else None,
        "win_rate": 100 * len(wins) / len(nets) if nets and all_known else None,
        "expectancy": sum(nets) / len(nets) if nets and all_known else None,
        "profit_factor": sum(wins) / -sum(losses) if losses and all_known else None,
        "avg_win_loss_ratio": mean(wins) / -mean(losses) if wins and losses and all_known else None,
        "risk_per_trade": mean(risks) if risks else None,
        "risk_per_trade_median": median(risks) if risks else None,
    }


def _total(nets: list[Decimal]) -> Decimal | None:
    return None if any(value.is_nan() for value in nets) else sum(nets, Decimal(0))


def _risks(scope: ScopeRows, trades: list[Row]) -> list[float]:
    """Percent of the balance at entry; the position is found by its id, wherever that is by now."""
    found = []
    for trade in trades:
        amount, balance = at_risk(scope, trade), _entry_balance(scope, trade)
        if amount is not None and balance:
            found.append(100 * float(amount / balance))
    return found


def at_risk(scope: ScopeRows, trade: Row) -> Decimal | None:
    """From the entry to the first stop; None where there is none."""
    position = _position_of(scope, trade)
    stops = [order["price"] for order in sorted(scope.rows["orders"], key=lambda row: (row["created_at"], row["id"]))
             if trade["position_id"] is not None and order["position_id"] == trade["position_id"]
             and order["order_type"] == "STOP_LOSS" and order["price"] and order["price"] > 0]  # fmt: skip
    stop = next((one for one in (*stops, position and position["stop_loss"], trade["stop_loss"]) if one), None)
    if stop is None or not (stop < trade["entry_price"] if trade["side"] == "LONG" else stop > trade["entry_price"]):
        return None
    balance = _entry_balance(scope, trade)
    held = trade["quantity"] or (abs(trade["size"]) * balance / trade["entry_price"] if balance else None)
    return None if held is None else abs(trade["entry_price"] - stop) * held


def _position_of(scope: ScopeRows, trade: Row) -> Row | None:
    found = (row for row in scope.rows["positions"] if row["id"] == trade["position_id"])
    return next(found, None)


def _entry_balance(scope: ScopeRows, trade: Row) -> Decimal | None:
    position = _position_of(scope, trade)
    if position and position["entry_balance"] and position["entry_balance"] > 0:
        return position["entry_balance"]
    then = [found for found in balances(scope, trade["entry_time"] - MINUTE) if not found[3].is_nan()]
    return then[-1][3] if then else scope.initial


def held(scope: ScopeRows) -> list[Row]:
    """Open positions, by id."""
    return sorted((row for row in scope.of("positions") if row["status"] == "OPEN"), key=lambda row: row["id"])


def events(scope: ScopeRows, now: datetime, table: str = "system_events") -> list[Row]:
    """Those of the scope until now: its sessions' own, and what no session has while a bot runs."""
    shared = scope.is_bot and scope.sessions[0]["mode"] != "BACKTEST"
    ids, end = {session["id"] for session in scope.sessions}, bot_end(scope, now) if shared else None
    return [
        row for row in scope.rows[table] if row["timestamp"] <= now + MINUTE
        and (row["session_id"] in ids or (shared and row["session_id"] is None
             and scope.sessions[0]["start_time"] <= row["timestamp"]
             and (end is None or row["timestamp"] <= end + END_GRACE)))
    ]  # fmt: skip


def position_figures(scope: ScopeRows, now: datetime) -> Figures:
    open_ones = held(scope)
    orders = [row for row in scope.of("orders") if row["created_at"] > now - DAY]
    filled = [row for row in orders if row["status"] == "FILLED"]
    failed = [row for row in orders if row["status"] == "FAILED"]
    finished = len(filled) + len(failed)
    return {
        "open": [(row["id"], row["session_id"]) for row in open_ones],
        "orders": {row["id"]: _ids(scope, row["id"]) for row in open_ones},
        "pending": sorted(row["id"] for row in scope.of("orders") if row["status"] in PENDING),
        "active_positions_count": len(open_ones),
        "position_sizes": sum((row["quantity"] * row["entry_price"] for row in open_ones), Decimal(0)) if all(
            row["quantity"] is not None for row in open_ones) else None,
        "parts": sorted((row["id"] for row in scope.of("partial_trades")), reverse=True),
        "error_count": sum(
            row["timestamp"] > now - DAY and (row["severity"] or "").lower() in ("error", "critical")
            for row in events(scope, now)
        ),
        "failed_orders": len(failed),
        "fill_rate": 100 * len(filled) / finished if finished else None,
    }  # fmt: skip


def unrealized(scope: ScopeRows, now: datetime) -> tuple[Decimal | None, bool]:
    """What all open positions stand at, and whether every price is so new that it must be shown."""
    values = [open_pnl(row) for row in held(scope)]
    fresh = all(row["last_update"] and now - row["last_update"] <= timedelta(minutes=5) for row in held(scope))
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None, fresh


def open_pnl(position: Row) -> Decimal | None:
    """From its price, whatever the engine stored."""
    if position["current_price"] is None or position["quantity"] is None:
        return None
    way = 1 if position["side"] == "LONG" else -1
    pnl: Decimal = way * (position["current_price"] - position["entry_price"]) * position["quantity"]
    return pnl


def _ids(scope: ScopeRows, position: int) -> list[int]:
    return sorted(row["id"] for row in scope.rows["orders"] if row["position_id"] == position)


def snapshots(scope: ScopeRows, now: datetime) -> list[Row]:
    """Without bookings, oldest first."""
    rows = [row for row in scope.of("account_history") if row["timestamp"] <= now + MINUTE]
    return flow_reference.snapshots(rows, scope.rows["account_balances"])


def balances(scope: ScopeRows, now: datetime) -> list[tuple[datetime, int, int, Decimal, int]]:
    """Time, which table, id, balance, session."""
    seen = [(row["timestamp"], 0, row["id"], row["balance"], row["session_id"]) for row in scope.of("account_history")]
    booked = [
        (row["last_updated"], 1, row["id"], row["total_balance"], row["session_id"])
        for row in scope.of("account_balances")
    ]
    return sorted(found for found in seen + booked if found[0] <= now + MINUTE)


def equity_now(scope: ScopeRows, now: datetime) -> Row | None:
    """As if it were one more snapshot; None where the newest snapshot is newer, or a price is not fresh."""
    known, real = balances(scope, now), snapshots(scope, now)
    if not known or not real:
        return None
    open_ones = held(scope)
    sign = max(last_sign(scope.rows, session, now) for session in scope.sessions)
    lives = now - sign <= limit(scope.rows, scope.sessions, now)
    for row in open_ones:
        at = row["last_update"]
        old = at is None or at > now + MINUTE or sign - at > timedelta(minutes=5)
        if open_pnl(row) is None or old or not lives:
            return None
    at = max([known[-1][0], *(row["last_update"] for row in open_ones)])
    equity = known[-1][3] + sum((open_pnl(row) or 0 for row in open_ones), Decimal(0))
    made = {"timestamp": at, "balance": known[-1][3], "equity": equity, "session_id": known[-1][4]}
    return made if at > real[-1]["timestamp"] else None


def points(scope: ScopeRows, now: datetime) -> list[Row]:
    """The snapshots, and the equity of now."""
    last = equity_now(scope, now)
    return [*snapshots(scope, now), *([] if last is None else [last])]


def account_figures(scope: ScopeRows, now: datetime) -> Figures:
    known, of_curve = balances(scope, now), points(scope, now)
    return {
        "current_balance": known[-1][3] if known else None,
        "equity": of_curve[-1]["equity"] if of_curve else None,
    }


def curve(scope: ScopeRows, now: datetime) -> list[tuple[Row, float]]:
    """Snapshots and the equity of now, and equity with deposits and withdrawals taken out."""
    real = points(scope, now)
    return list(zip(real, flow_reference.curve(books_of(scope), real, scope.gaps), strict=True))


def books_of(scope: ScopeRows) -> flow_reference.Books:
    balances, history = scope.of("account_balances"), scope.of("account_history")
    return flow_reference.Books(scope.sessions, balances, history, scope.kinds)


def drawdowns(points: list[tuple[Row, float]], initial: Decimal) -> tuple[float, float]:
    """The present one and the deepest, percent."""
    peak, now, deepest = float(initial), 0.0, 0.0
    for _, value in points:
        peak = max(peak, value)
        now = (1 - value / peak) * 100
        deepest = max(deepest, now)
    return now, deepest


def closes(points: list[tuple[Row, float]]) -> list[tuple[date, float]]:
    """One a day, days without a snapshot carried forward."""
    last = {row["timestamp"].date(): value for row, value in points}
    found, value = [], 0.0
    day = min(last)
    while day <= max(last):
        value = last.get(day, value)
        found.append((day, value))
        day += DAY
    return found


def return_figures(points: list[tuple[Row, float]], initial: Decimal, deepest: float, now: datetime) -> Figures:
    """Of closed days, but for the total return, which goes on until now."""
    days = closes(points)
    values = [float(initial), *(value for _, value in days)]
    if min(values) <= 0:
        return {}
    closed = [float(initial), *(value for day, value in days if day < now.date())]
    returns = [later / earlier - 1 for earlier, later in pairwise(closed)]
    found: Figures = {"total_return": (values[-1] / values[0] - 1) * 100}
    if len(returns) < 10:
        return found | dict.fromkeys(("volatility", "sharpe_ratio", "sortino_ratio", "cagr", "calmar_ratio"))
    downside = math.sqrt(mean(min(value, 0.0) ** 2 for value in returns))
    varies = max(returns) - min(returns) > 1e-9
    found |= {
        "volatility": stdev(returns) * math.sqrt(365) * 100,
        "sharpe_ratio": mean(returns) / stdev(returns) * math.sqrt(365) if varies else None,
        "sortino_ratio": mean(returns) / downside * math.sqrt(365) if downside > 1e-12 else None,
    }
    growth, years = closed[-1] / closed[0], len(returns) / 365
    yearly = (growth ** (1 / years) - 1) * 100 if len(returns) >= 30 and math.log(growth) / years < 700 else None
    return found | {"cagr": yearly, "calmar_ratio": yearly / deepest if yearly is not None and deepest > 1e-9 else None}
