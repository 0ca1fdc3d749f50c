"""Bots whose rows are hard to show: long words, large amounts, odd currencies, many positions, trouble."""

from collections.abc import Awaitable, Callable

import asyncpg

from tests.history import seed_account
from tests.rows import ago, insert
from tests.stories import closed, log_prices, opened

Seed = Callable[[asyncpg.Connection], Awaitable[int]]
LONG_REASON = "trailing_stop_after_partial_exit_of_a_position_" + "x" * 53
LONG_MESSAGE = "Order rejected by the exchange: " + "filter_failure_" * 15
POSITION_COUNT = 25
CURRENCIES = {"USD": 9_876_543_210, "BTC": 9_876.12345678, "JPY": 9_876_543_210, "IDR": 9_876_543_210}


async def calm(connection: asyncpg.Connection) -> int:
    """A bot that does well, with the whole story of a trade and of a position."""
    bot = await seed_account(connection)
    await log_prices(connection, bot)
    await closed(connection, bot, await opened(connection, bot))
    await opened(connection, bot)
    await insert(connection, "orders", session_id=bot, order_type="STOP_LOSS", status="SUBMITTED", price=49_000,
                 created_at=ago(hours=1),
                 position_id=await connection.fetchval("SELECT min(id) FROM positions"))  # fmt: skip
    booked = await connection.fetchval("SELECT balance FROM account_history ORDER BY timestamp DESC LIMIT 1")
    await insert(connection, "account_history", session_id=bot, balance=booked + 19, equity=booked + 69,
                 total_pnl=booked + 19 - 10_000, open_positions=2, margin_available=booked - 1000)  # fmt: skip
    return bot


def hard(currency: str) -> Seed:
    """Makes a bot with an account in ``currency``."""

    async def seed(connection: asyncpg.Connection) -> int:
        money = CURRENCIES[currency]
        bot = await insert(connection, "trading_sessions", start_time=ago(days=40), initial_balance=money,
                           strategy_name="mean_reversion_with_a_long_name_v2", symbol="1000000MOGUSDT_PERPX",
                           mode="LIVE" if currency == "USD" else "PAPER")  # fmt: skip
        await _account(connection, bot, currency, money)
        await _past(connection, bot, money)
        await _positions(connection, bot, money)
        await _troubles(connection, bot)
        return bot

    return seed


async def _account(connection: asyncpg.Connection, bot: int, currency: str, money: float) -> None:
    await insert(connection, "account_balances", session_id=bot, base_currency=currency, total_balance=money,
                 last_updated=ago(days=39), update_reason="session_start")  # fmt: skip
    await insert(connection, "account_balances", session_id=bot, base_currency=currency, total_balance=money / 2,
                 available_balance=money / 3, update_reason="sync " + "y" * 100,
                 asset_balances={f"1000000MOG{n}": 9_876_543_210.12345678 for n in range(12)})  # fmt: skip
    for hours in range(0, 39 * 24, 12):
        equity = money * (0.5 + hours % 7 / 100 + hours / 39 / 24 / 3)
        await insert(connection, "account_history", session_id=bot, timestamp=ago(hours=hours), balance=equity,
                     equity=equity, total_pnl=equity - money, margin_used=equity / 2, margin_available=equity / 3,
                     total_exposure=equity, open_positions=POSITION_COUNT)  # fmt: skip


async def _past(connection: asyncpg.Connection, bot: int, money: float) -> None:
    for number in range(35):
        symbol = f"10000{number:02}MOGUSDT_PERPX"
        trade = await insert(connection, "trades", session_id=bot, symbol=symbol, quantity=9_876_543_210.12345678,
                             entry_price=0.00001234, exit_price=0.00002345, pnl=money / 9 * (-1 if number % 3 else 1),
                             commission=money / 1000, exit_reason=LONG_REASON, stop_loss=0.00001,
                             entry_time=ago(hours=9 + 20 * number), exit_time=ago(hours=2 + 20 * number))  # fmt: skip
    await insert(connection, "orders", session_id=bot, order_type="ENTRY", symbol=symbol, quantity=trade,
                 price=money, filled_price=money * 0.99, created_at=ago(hours=8), filled_at=ago(hours=8))  # fmt: skip


async def _positions(connection: asyncpg.Connection, bot: int, money: float) -> None:
    for number in range(POSITION_COUNT):
        entry = money / 10 ** (number % 9 + 1)
        position = await insert(
            connection, "positions", session_id=bot, symbol=f"10000{number:02}MOGUSDT_PERPX",
            side="SHORT" if number % 3 == 0 else "LONG", entry_price=entry, quantity=min(money / 5 / entry, 9e9),
            current_price=None if number % 7 == 6 else entry * (0.9 + number / 100), entry_balance=money,
            stop_loss=None if number % 5 == 4 else entry * (1.1 if number % 3 == 0 else 0.9),
            take_profit=entry * (0.7 if number % 3 == 0 else 1.3), trailing_stop_activated=number % 4 == 1,
            trailing_stop_price=entry * 0.95 if number % 4 == 1 else None, breakeven_triggered=number % 4 == 2,
            entry_time=ago(hours=number * 30 + 1), last_update=ago(minutes=number * 10))  # fmt: skip
        if number % 2:
            await insert(connection, "orders", session_id=bot, position_id=position, order_type="STOP_LOSS",
                         status="SUBMITTED", symbol=f"10000{number:02}MOGUSDT_PERPX", quantity=9_876_543_210,
                         price=entry * 0.9, created_at=ago(hours=1))  # fmt: skip
        if number % 6 == 1:
            await insert(connection, "partial_trades", position_id=position, size=0.05, price=entry * 1.1)


async def _troubles(connection: asyncpg.Connection, bot: int) -> None:
    for number, severity in enumerate(("critical", "error", "error", "warning", "info")):
        await insert(connection, "system_events", session_id=bot, event_type="ERROR", severity=severity,
                     message=f"{number} {LONG_MESSAGE}", component="exchange_" * 9,
                     timestamp=ago(minutes=number))  # fmt: skip
    await insert(connection, "risk_adjustments", session_id=bot, trigger_reason="drawdown " + "z" * 150,
                 current_drawdown=0.5)  # fmt: skip
    await insert(connection, "reconciliation_audit_events", session_id=bot, severity="CRITICAL", reason=LONG_MESSAGE,
                 old_value="9876543210.12345678", new_value="1234567890.87654321")  # fmt: skip
    await insert(connection, "orders", session_id=bot, status="FAILED", symbol="1000000MOGUSDT_PERPX",
                 created_at=ago(minutes=5))  # fmt: skip


async def trouble(connection: asyncpg.Connection) -> int:
    """A bot that was halted, then fell silent, with positions without a stop, near its drawdown limit."""
    bot = await insert(connection, "trading_sessions", start_time=ago(days=30), initial_balance=10_000)
    await insert(connection, "account_balances", session_id=bot, last_updated=ago(days=30))
    for hours in range(5, 24 * 29, 6):
        equity = 7_600 + hours * 4
        await insert(connection, "account_history", session_id=bot, timestamp=ago(hours=hours), balance=equity,
                     equity=equity, total_pnl=equity - 10_000, open_positions=1)  # fmt: skip
    await insert(connection, "trades", session_id=bot, pnl=-400, quantity=0.1, exit_time=ago(hours=6))
    await insert(connection, "positions", session_id=bot, quantity=0.1, current_price=47_000, last_update=ago(hours=5))
    await _troubles(connection, bot)
    await insert(connection, "system_control_flags", active=True, reason="drawdown", source="operator",
                 updated_at=ago(hours=1))  # fmt: skip
    return bot


async def ended(connection: asyncpg.Connection) -> int:
    bot = await insert(connection, "trading_sessions", start_time=ago(days=30), end_time=ago(days=2))
    await insert(connection, "account_balances", session_id=bot, last_updated=ago(days=30))
    for days in range(2, 30):
        await insert(connection, "account_history", session_id=bot, timestamp=ago(days=days), balance=9_900 + days)
        await insert(connection, "trades", session_id=bot, pnl=days, quantity=0.1, exit_time=ago(days=days),
                     entry_time=ago(days=days, hours=3), exit_reason="stop loss", stop_loss=49_000)  # fmt: skip
    return bot
