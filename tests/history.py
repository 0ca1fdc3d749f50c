"""A small believable account for tests that need a whole dashboard."""

from datetime import timedelta

import asyncpg

from tests.rows import insert, now


async def seed_account(connection: asyncpg.Connection) -> int:
    """A running LIVE session: 30 days of snapshots, 40 trades, one open position, events. Returns its id."""
    at = now()
    session = await insert(
        connection,
        "trading_sessions",
        mode="LIVE",
        session_name="live",
        initial_balance=10_000,
        start_time=at - timedelta(days=30),
        strategy_config={"risk": {"risk_per_trade": 0.01}},
    )
    await insert(connection, "account_balances", session_id=session, last_updated=at - timedelta(days=30),
                 update_reason="session_start")  # fmt: skip
    balance = 10_000.0
    for number in range(40):
        pnl = 60.0 if number % 3 else -45.0
        closed = at - timedelta(days=30) + timedelta(hours=17 * (number + 1))
        balance += pnl - 1
        await insert(connection, "trades", session_id=session, pnl=pnl, commission=1, exit_time=closed,
                     entry_time=closed - timedelta(hours=3), exit_reason="take profit" if pnl > 0 else "stop loss",
                     quantity=0.02, stop_loss=49_000)  # fmt: skip
        await insert(connection, "account_history", session_id=session, timestamp=closed, balance=balance,
                     equity=balance, total_pnl=balance - 10_000)  # fmt: skip
    position = await insert(connection, "positions", session_id=session, quantity=0.02, current_price=51_000,
                            unrealized_pnl=20, unrealized_pnl_percent=2, last_update=at, stop_loss=49_000,
                            entry_balance=10_000)  # fmt: skip
    await insert(connection, "orders", session_id=session, position_id=position, created_at=at, filled_at=at,
                 price=50_000, filled_price=50_010)  # fmt: skip
    await insert(connection, "account_history", session_id=session, timestamp=at, balance=balance,
                 equity=balance + 20, total_pnl=balance - 10_000, open_positions=1, margin_used=1000,
                 margin_available=balance - 1000, total_exposure=1020)  # fmt: skip
    await insert(connection, "system_events", session_id=session, event_type="ENGINE_START", severity="info",
                 message="engine started")  # fmt: skip
    return session
