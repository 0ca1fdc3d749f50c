"""A trade and an open position with everything that an engine writes of them, and their pages as a reader sees them."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import asyncpg

from tests.rows import ago, insert

BROWSER = {"Accept": "text/html"}
OPENED, CLOSED = ago(hours=10), ago(hours=2)
SHAPES = re.compile(r"<(fieldset|svg|title)\b.*?</\1>", re.DOTALL)


async def page(client: Any, path: str) -> str:
    """The words of a page, one space between them."""
    response = await client.get(path, headers=BROWSER)
    body = str(await response.get_data(as_text=True))
    assert response.status_code == 200, (path, body)
    assert "could not be computed" not in body
    return words(body)


def words(body: str) -> str:
    main = body.partition('id="story"')[2].partition(">")[2].partition("</main>")[0]
    text = re.sub(r"<[^>]+>", " ", SHAPES.sub(" ", main.replace("\u202f", "")))
    return unescape(re.sub(r"\s+", " ", text))


def ordered(text: str, *expected: str) -> None:
    """The words stand in the text, one after the other."""
    place = 0
    for word in expected:
        found = text.find(word, place)
        assert found >= 0, (word, text)
        place = found + len(word)


async def opened(connection: asyncpg.Connection, bot: int, **columns: object) -> int:
    """A long of 2 from 100, entered worse than asked, with a stop at 90; what was sold and moved meanwhile."""
    position = await insert(connection, "positions", **{
        "session_id": bot, "symbol": "ETHUSDT", "entry_price": 100, "quantity": 2, "entry_balance": 2000,
        "original_size": 0.1, "current_size": 0.1, "stop_loss": 101, "take_profit": 130, "entry_time": OPENED,
        "current_price": 115, "last_update": ago(seconds=5), "mfe_price": 120, "mfe_time": ago(hours=5),
        "mae_price": 95, "mae_time": ago(hours=9), **columns})  # fmt: skip
    order = {"session_id": bot, "position_id": position, "symbol": "ETHUSDT", "quantity": 2}
    await insert(connection, "strategy_executions", session_id=bot, symbol="ETHUSDT", signal_type="entry",
                 timestamp=OPENED - timedelta(seconds=3), action_taken="opened_long", confidence_score=0.75, price=99,
                 position_size=0.1, indicators={"rsi": 54.9}, ml_predictions={"engine_model_name": "sentiment_v3"},
                 reasons=["regime_trend_up"])  # fmt: skip
    await insert(connection, "orders", **order, order_type="ENTRY", price=99, filled_price=100, commission=1,
                 filled_quantity=2, created_at=OPENED - timedelta(seconds=2), filled_at=OPENED)  # fmt: skip
    await insert(connection, "orders", **order, order_type="STOP_LOSS", status="CANCELLED", price=90,
                 created_at=OPENED + timedelta(seconds=1), cancelled_at=ago(hours=6))  # fmt: skip
    await insert(connection, "orders", **order, order_type="STOP_LOSS", status="SUBMITTED", price=101,
                 created_at=ago(hours=6))  # fmt: skip
    return position


async def closed(connection: asyncpg.Connection, bot: int, position: int | None, **columns: object) -> int:
    if position is not None:
        await connection.execute("UPDATE positions SET status = 'CLOSED' WHERE id = $1", position)
        await connection.execute(
            "UPDATE orders SET status = 'CANCELLED', cancelled_at = $2 WHERE position_id = $1 AND status = 'SUBMITTED'",
            position, CLOSED)  # fmt: skip
        await insert(connection, "orders", session_id=bot, position_id=position, order_type="FULL_EXIT", quantity=2,
                     symbol="ETHUSDT", price=112, filled_price=112, filled_quantity=2, commission=3,
                     created_at=CLOSED - timedelta(seconds=1), filled_at=CLOSED)  # fmt: skip
    return await insert(connection, "trades", **{
        "session_id": bot, "position_id": position, "symbol": "ETHUSDT", "entry_price": 100, "exit_price": 112,
        "quantity": 2, "pnl": 24, "commission": 4, "margin_interest_cost": 0, "entry_time": OPENED, "exit_time": CLOSED,
        "exit_reason": "time_exit", "mfe_price": 120, "mfe_time": ago(hours=5), "mae_price": 95,
        "mae_time": ago(hours=9), **columns})  # fmt: skip


async def log_prices(connection: asyncpg.Connection, bot: int, symbol: str = "ETHUSDT", minutes: int = 30) -> None:
    rows = [(ago(hours=14) + timedelta(minutes=number * minutes), symbol, 95 + number / 2, bot) for number in range(26)]
    await connection.executemany(
        "INSERT INTO strategy_executions (timestamp, strategy_name, symbol, price, session_id, action_taken)"
        " VALUES ($1, 'ml_basic', $2, $3, $4, 'no_action')", rows)  # fmt: skip


async def seed_bot(connection: asyncpg.Connection) -> int:
    """A LIVE bot with 10000; the id of its session."""
    session = await insert(connection, "trading_sessions", start_time=ago(days=2))
    await insert(connection, "account_balances", session_id=session, last_updated=ago(days=1), total_balance=10_000)
    return session
