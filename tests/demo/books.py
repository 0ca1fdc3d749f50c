"""Checks of a bot's books, in SQL of their own."""

import asyncpg

UNTWINNED = """
SELECT count(*) AS booked, count(*) FILTER (WHERE NOT EXISTS (
    SELECT 1 FROM account_history h
    WHERE h.session_id = b.session_id AND h.balance = b.total_balance AND h.equity = h.balance AND h.total_pnl = 0
      AND h.drawdown = 0 AND h.total_exposure = 0 AND h.daily_pnl = b.change
      AND abs(extract(epoch FROM h.timestamp - b.last_updated)) <= 0.005)) AS untwinned
FROM (SELECT *, total_balance - lag(total_balance) OVER (PARTITION BY session_id ORDER BY id) AS change
      FROM account_balances) b
WHERE b.updated_by = 'live_engine'
"""
UNEXPLAINED = """
SELECT sum(balance) - sum(expected) FROM (
    SELECT s.id,
        (SELECT total_balance FROM account_balances WHERE session_id = s.id ORDER BY last_updated DESC, id DESC LIMIT 1)
        - s.initial_balance AS balance,
        coalesce((SELECT sum(change) FROM (
            SELECT update_reason, total_balance - lag(total_balance) OVER (ORDER BY id) AS change
            FROM account_balances WHERE session_id = s.id) b
            WHERE update_reason NOT LIKE 'entry_fee%' AND update_reason NOT LIKE 'realized_pnl%'), 0) AS expected
    FROM trading_sessions s WHERE s.mode = $1 AND s.strategy_name = $2) sessions
"""
EARNED = """
SELECT coalesce((SELECT sum(t.pnl - t.commission - t.margin_interest_cost) FROM trades t
                 JOIN trading_sessions s ON s.id = t.session_id WHERE s.mode = $1 AND s.strategy_name = $2), 0)
     + coalesce((SELECT sum(x.pnl) FROM partial_trades x JOIN positions p ON p.id = x.position_id
                 JOIN trading_sessions s ON s.id = p.session_id
                 WHERE p.status = 'OPEN' AND s.mode = $1 AND s.strategy_name = $2), 0)
     - coalesce((SELECT sum(o.commission) FROM orders o JOIN positions p ON p.id = o.position_id
                 JOIN trading_sessions s ON s.id = p.session_id
                 WHERE p.status = 'OPEN' AND s.mode = $1 AND s.strategy_name = $2), 0)
"""


async def untwinned_bookings(connection: asyncpg.Connection) -> tuple[int, int]:
    """How many bookings the engine made, and how many of them lack their row in the history."""
    row = await connection.fetchrow(UNTWINNED)
    return row["booked"], row["untwinned"]


async def assert_books_add_up(connection: asyncpg.Connection, *bot: str) -> None:
    """Checks that the balance of the bot (mode, strategy) changed by what it earned, and by flows."""
    assert await connection.fetchval(UNEXPLAINED, *bot) == await connection.fetchval(EARNED, *bot)
