"""How a simulated bot starts: in a new session after a clean stop, in the old one after a crash."""

import logging
from collections import deque
from collections.abc import Sequence
from decimal import Decimal

import asyncpg

from monitoring.demo.bot import MAX_KEPT_CLOSES, Style
from monitoring.demo.desk import Desk, begin, midnight
from monitoring.demo.market import STEPS
from monitoring.demo.money import UNIT, Closing, Excursion, Holding
from monitoring.demo.past import opening
from monitoring.demo.records import Session
from monitoring.demo.store import Postgres, Timer

log = logging.getLogger(__name__)

NEWEST_SESSION = """
SELECT id, symbol, start_time, end_time, initial_balance FROM trading_sessions s
WHERE mode = $1 AND strategy_name = $2 AND EXISTS (SELECT FROM account_balances WHERE session_id = s.id)
ORDER BY start_time DESC, id DESC LIMIT 1
"""
OPEN_POSITIONS = """
SELECT p.*, o.fees, o.ids, o.stop_order, coalesce(t.banked, 0) AS banked
FROM positions p JOIN trading_sessions s ON s.id = p.session_id
LEFT JOIN LATERAL (SELECT coalesce(sum(commission), 0) AS fees, coalesce(array_agg(id ORDER BY id), '{}') AS ids,
                          coalesce(max(id) FILTER (WHERE order_type = 'STOP_LOSS'), 0) AS stop_order
                   FROM orders WHERE position_id = p.id) o ON true
LEFT JOIN LATERAL (SELECT sum(pnl) AS banked FROM partial_trades WHERE position_id = p.id) t ON true
WHERE s.mode = $1 AND s.strategy_name = $2 AND p.status = 'OPEN' ORDER BY p.id
"""
STANDING = """
SELECT (SELECT max(balance) FROM account_history WHERE session_id = $1) AS peak,
       (SELECT balance FROM account_history WHERE session_id = $1 AND timestamp >= $2
        ORDER BY timestamp, id LIMIT 1) AS day_start
"""
TRADES = """
SELECT exit_price, exit_time, pnl, coalesce(commission, 0) AS commission,
       coalesce(margin_interest_cost, 0) AS margin_interest_cost FROM trades
WHERE session_id = $1 ORDER BY exit_time, id
"""
LAST_CLOSES = """
SELECT e.symbol, price::float8 FROM strategy_executions e JOIN trading_sessions s ON s.id = e.session_id
WHERE s.mode = $1 AND s.strategy_name = $2 AND signal_type = 'entry' ORDER BY e.id DESC LIMIT $3
"""
LAST_PRICES = """
SELECT DISTINCT ON (symbol) symbol, price::float8
FROM (SELECT symbol, price, timestamp AS at FROM strategy_executions
      UNION ALL SELECT symbol, current_price, last_update FROM positions) seen
WHERE price IS NOT NULL ORDER BY symbol, at DESC
"""
ABANDONED_ORDERS = """
UPDATE orders SET status = 'CANCELLED', cancelled_at = $2, last_update = $2
WHERE session_id = $1 AND status = 'PENDING_SUBMIT'
"""


async def resume(store: Postgres, timer: Timer, style: Style) -> Desk:
    """The desk of the style's bot, which begins anew where somebody has deleted its sessions."""
    row = await store.connection.fetchrow(NEWEST_SESSION, style.mode, style.strategy)
    if row is None:
        log.warning("the demo's database has no %s session of %s: it begins a new one", style.mode, style.strategy)
        return await begin(store, timer, opening(style, style.balance), style.config)
    # Cancelled as never sent: the process died between the journal and the exchange.
    await store.connection.execute(ABANDONED_ORDERS, row["id"], timer.now())
    found = await _found(store, timer, style, row)
    open_positions = await store.connection.fetch(OPEN_POSITIONS, style.mode, style.strategy)
    holdings = [_holding(position) for position in open_positions]
    if row["end_time"] is not None:
        found.holdings = holdings
        return await begin(store, timer, opening(style, found.balance), style.config, found)
    stranded = {position["id"] for position in open_positions if position["session_id"] != row["id"]}
    found.holdings = [holding for holding in holdings if holding.id not in stranded]
    await found.carry([holding for holding in holdings if holding.id in stranded])
    return found


async def _found(store: Postgres, timer: Timer, style: Style, row: asyncpg.Record) -> Desk:
    info = Session(
        row["id"], style.mode, style.strategy, style.timeframe, style.symbols, style.exchange, row["start_time"],
        row["initial_balance"],
    )  # fmt: skip
    balance, day = await store.balance(info.id), midnight(timer.now())
    standing = await store.connection.fetchrow(STANDING, info.id, day)
    return Desk(
        store,
        timer,
        info,
        balance,
        peak=max(standing["peak"] or balance, balance, info.balance),
        day=day,
        day_start=standing["day_start"] or balance,
        closings=[_closing(trade) for trade in await store.connection.fetch(TRADES, info.id)],
    )


async def last_closes(connection: asyncpg.Connection, style: Style) -> dict[str, deque[float]]:
    rows = await connection.fetch(LAST_CLOSES, style.mode, style.strategy, MAX_KEPT_CLOSES * len(style.symbols))
    return {symbol: _newest(rows, symbol) for symbol in style.symbols}


def _newest(rows: Sequence[asyncpg.Record], symbol: str) -> deque[float]:
    return deque((row["price"] for row in reversed(rows) if row["symbol"] == symbol), maxlen=MAX_KEPT_CLOSES)


async def last_prices(connection: asyncpg.Connection) -> dict[str, float]:
    return {row["symbol"]: row["price"] for row in await connection.fetch(LAST_PRICES)}


def _holding(row: asyncpg.Record) -> Holding:
    entry, opened = row["entry_price"], row["entry_time"]
    return Holding(
        id=row["id"],
        symbol=row["symbol"],
        side=row["side"],
        entry_price=entry,
        quantity=row["quantity"],
        size=row["size"],
        balance=row["entry_balance"],
        opened=opened,
        stop=row["stop_loss"],
        target=row["take_profit"],
        confidence=row["confidence_score"],
        excursion=Excursion(
            row["mfe_price"] or entry, row["mfe_time"] or opened, row["mae_price"] or entry, row["mae_time"] or opened
        ),
        left=_left(row),
        fees=row["fees"],
        banked=row["banked"],
        parts_taken=row["partial_exits_taken"] or 0,
        part_price=row["last_partial_exit_price"],
        orders=list(row["ids"]),
        stop_order=row["stop_order"],
    )


def _left(row: asyncpg.Record) -> Decimal:
    """The quantity still held, in whole steps: sizes are rounded fractions of it."""
    step = STEPS.get(row["symbol"], UNIT)
    held: Decimal = row["quantity"] * row["current_size"] / row["original_size"]
    return (held / step).to_integral_value() * step


def _closing(row: asyncpg.Record) -> Closing:
    return Closing(
        price=row["exit_price"],
        average=row["exit_price"],
        at=row["exit_time"],
        gross=row["pnl"],
        fees=row["commission"],
        interest=row["margin_interest_cost"],
        booked=row["pnl"],
    )
