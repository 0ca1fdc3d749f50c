"""What the simulated engine finds in the database when it starts or comes back: it goes on from there."""

from collections import deque
from decimal import Decimal

import asyncpg

from monitoring.demo.desk import BALANCE, Clock, Desk
from monitoring.demo.market import STEPS
from monitoring.demo.money import UNIT, Closing, Excursion, Holding
from monitoring.demo.records import Session

REMEMBERED_TRADES = 30

RUNNING_SESSION = """
SELECT id, mode, strategy_name, timeframe, symbol, start_time, initial_balance FROM trading_sessions
WHERE mode = 'LIVE' AND end_time IS NULL ORDER BY start_time DESC LIMIT 1
"""
OPEN_POSITIONS = """
SELECT p.*, coalesce(o.fees, 0) AS fees, coalesce(t.banked, 0) AS banked
FROM positions p
LEFT JOIN LATERAL (SELECT sum(commission) AS fees FROM orders
                   WHERE position_id = p.id AND status IN ('FILLED', 'CONFIRMED')) o ON true
LEFT JOIN LATERAL (SELECT sum(pnl) AS banked FROM partial_trades WHERE position_id = p.id) t ON true
WHERE p.session_id = $1 AND p.status = 'OPEN' ORDER BY p.id
"""
STANDING = """
SELECT (SELECT max(balance) FROM account_history WHERE session_id = $1) AS peak,
       (SELECT max(timestamp) FROM account_history WHERE session_id = $1) AS last_seen,
       (SELECT balance FROM account_history WHERE session_id = $1 AND timestamp >= $2
        ORDER BY timestamp LIMIT 1) AS day_start,
       (SELECT coalesce(sum(pnl - coalesce(commission, 0) - coalesce(margin_interest_cost, 0)), 0)
        FROM trades WHERE session_id = $1) AS realized
"""
NEWEST_TRADES = """
SELECT exit_price, exit_time, pnl, coalesce(commission, 0) AS commission,
       coalesce(margin_interest_cost, 0) AS margin_interest_cost FROM trades
WHERE session_id = $1 ORDER BY exit_time DESC LIMIT $2
"""
LAST_PRICES = """
SELECT DISTINCT ON (symbol) symbol, price::float8 FROM strategy_executions
WHERE session_id = $1 ORDER BY symbol, id DESC
"""
ABANDONED_ORDERS = """
UPDATE orders SET status = 'CANCELLED', cancelled_at = $2, last_update = $2
WHERE session_id = $1 AND position_id IS NULL AND status = 'PENDING_SUBMIT'
"""


class NoSession(Exception):
    """The database holds no running LIVE session for the engine to go on with."""


async def resume(connection: asyncpg.Connection, clock: Clock) -> Desk:
    """The desk of the running session. Raises NoSession when there is none."""
    row = await connection.fetchrow(RUNNING_SESSION)
    if row is None:
        raise NoSession("the demo's database has no running LIVE session; expected the one its history began with")
    info = Session(
        id=row["id"],
        mode=row["mode"],
        strategy=row["strategy_name"],
        timeframe=row["timeframe"],
        symbols=tuple(row["symbol"].split(",")),
        started=row["start_time"],
        balance=row["initial_balance"],
    )
    now = clock()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    await connection.execute(ABANDONED_ORDERS, info.id, now)
    standing = await connection.fetchrow(STANDING, info.id, day)
    balance = await connection.fetchval(BALANCE, info.id)
    return Desk(
        connection=connection,
        info=info,
        clock=clock,
        balance=balance,
        peak=max(standing["peak"] or balance, balance, info.balance),
        day_start=standing["day_start"] or balance,
        day=day,
        realized=standing["realized"],
        last_seen=standing["last_seen"],
        holdings=[_holding(position) for position in await connection.fetch(OPEN_POSITIONS, info.id)],
        closings=await _newest_trades(connection, info),
        prices={row["symbol"]: row["price"] for row in await connection.fetch(LAST_PRICES, info.id)},
    )


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
    )


def _left(row: asyncpg.Record) -> Decimal:
    """The quantity still held, in whole steps: sizes are rounded fractions of it."""
    step = STEPS.get(row["symbol"], UNIT)
    held: Decimal = row["quantity"] * row["current_size"] / row["original_size"]
    return (held / step).to_integral_value() * step


async def _newest_trades(connection: asyncpg.Connection, info: Session) -> deque[Closing]:
    rows = await connection.fetch(NEWEST_TRADES, info.id, REMEMBERED_TRADES)
    closings = (
        Closing(
            price=row["exit_price"],
            average=row["exit_price"],
            at=row["exit_time"],
            gross=row["pnl"],
            fees=row["commission"],
            interest=row["margin_interest_cost"],
            booked=row["pnl"],
        )
        for row in reversed(rows)
    )
    return deque(closings, maxlen=REMEMBERED_TRADES)
