"""The story of a trade, and of an open position, as a reader finds it on its page."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert, now
from tests.stories import closed, log_prices, opened, ordered, page, words


async def test_a_trade_is_told_from_decision_to_result(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    position = await opened(connection, bot)
    await insert(
        connection, "partial_trades", position_id=position, size=0.05, price=110, pnl=10, timestamp=ago(hours=7)
    )
    trade = await closed(connection, bot, position)
    told = await page(client, f"/trades/{trade}")
    ordered(
        told,
        *("ETHUSDT Long", "+20.00", "+12.00%", "+1.00R", "held 8 h", "time limit", "2 ETH", "trade 1"),
        *("Signal: enter long", "99.000", "confidence 0.75", "model sentiment_v3", "RSI 54.9", "size 10.0% of balance"),
        *("Entry 2 asked at 99.000, filled at 100.00", "slippage 1.010% against us", "fee 1.00"),
        *(
            "Stop placed at 90.000",
            "risks 20.00 = 1R, 1.00% of balance",
            "Worst point 95.000",
            "−5.00%",
            "−10.00",
            "−0.50R",
        ),
        *("Partial exit 50% at 110.00", "took +10.00", "Stop moved to 101.00", "from 90.000", "locks in +2.00"),
        *("Best point 120.00", "+20.00%", "+40.00", "+2.00R"),
        *("Exit by time limit: asked at 112.00, filled at 112.00", "1.0 s", "fee 3.00", "stop cancelled"),
        *("Before costs", "+24.00", "Of it by partial exits", "+10.00", "Entry fee", "−1.00", "Exit fee", "−3.00"),
        *("Interest", "0.00", "Risked", "20.00 (1R)", "Heat taken", "0.50R", "Caught of the best", "60%"),
        *("Left on the table", "16.00", "ETHUSDT long, closed by time limit", "1 trade", "100% won"),
    )
    assert "Not known" not in told


async def test_the_price_is_drawn_where_it_was_logged(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    position = await opened(connection, bot)
    trade = await closed(connection, bot, position)
    assert "too few prices" in await page(client, f"/trades/{trade}")
    # Neither other markets nor other bots are this one's price.
    other = await insert(connection, "trading_sessions", mode="PAPER")
    await log_prices(connection, other)
    await log_prices(connection, bot, "BTCUSDT")
    assert "too few prices" in await page(client, f"/trades/{trade}")
    await log_prices(connection, bot)
    body = await (await client.get(f"/trades/{trade}")).get_data(as_text=True)
    assert "too few prices" not in body
    for shape in ("while-held", "target-level", "stop-level", "bought 100.00", "sold 112.00", 'class="reading"'):
        assert shape in body


async def test_an_open_position_is_told_as_far_as_it_has_come(
    bot: int, connection: asyncpg.Connection, client: Any
) -> None:
    position = await opened(connection, bot)
    told = await page(client, f"/positions/{position}")
    ordered(told, "ETHUSDT Long", "+30.00", "+15.00%", "+1.50R", "held 10 h", f"position {position}", "price 115.00",
            "Entry 2", "Stop placed", "What it makes", "+30.00", "Entry fee", "−1.00", "Given back since the best",
            "10.00")  # fmt: skip
    assert "Exit" not in told
    await log_prices(connection, bot)
    assert "now 115.00" in await (await client.get(f"/positions/{position}")).get_data(as_text=True)
    await connection.execute("UPDATE positions SET current_price = 90, last_update = $1", ago(minutes=20))
    await insert(connection, "account_history", session_id=bot)
    ordered(await page(client, f"/positions/{position}"), "−20.00", "−1.00R", "price 90.000", "old")


async def test_trades_like_it_are_counted_and_linked(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    trade = await closed(connection, bot, None)
    for columns in ({"pnl": -6}, {"pnl": "NaN"}, {"symbol": "BTCUSDT"}, {"side": "SHORT"}, {"exit_reason": "other"}):
        await closed(connection, bot, None, **columns)
    body = await (await client.get(f"/trades/{trade}")).get_data(as_text=True)
    ordered(words(body), "3 trades", "50% won", "+5.00 on average", "of 1 the P&L is unknown")
    shown = re.search(r'class="more" href="([^"]+)"', body)
    assert shown
    listed = str(await (await client.get(unescape(shown[1]))).get_data(as_text=True))
    assert set(re.findall(r'href="/trades/(\d+)', listed)) == {str(trade), str(trade + 1), str(trade + 2)}


@pytest.mark.parametrize(("currency", "shown"), [("BTC", "+20.00000000"), ("JPY", "+20 "), ("USD", "+20.00")])
async def test_amounts_have_the_account_s_decimals(
    connection: asyncpg.Connection, client: Any, currency: str, shown: str
) -> None:
    session = await insert(connection, "trading_sessions")
    await insert(connection, "account_balances", session_id=session, base_currency=currency)
    await insert(connection, "account_history", session_id=session)
    trade = await closed(connection, session, None)
    assert shown in await page(client, f"/trades/{trade}")


async def test_times_are_found_in_a_log_with_holes(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    """Rows were deleted, and the decision is somewhere among others of many markets."""
    start, rows = now() - timedelta(days=20), 4000
    await connection.execute(
        "INSERT INTO strategy_executions (timestamp, strategy_name, symbol, price, session_id, action_taken)"
        " SELECT $1::timestamp + n * interval '7 minutes', 'ml_basic', (ARRAY['ETHUSDT', 'BTCUSDT'])[1 + n % 2],"
        " 100 + n % 7, $2, 'no_action' FROM generate_series(0, $3::int) n", start, bot, rows)  # fmt: skip
    await connection.execute("DELETE FROM strategy_executions WHERE id % 5 = 0 OR id BETWEEN 900 AND 1300")
    entry = start + timedelta(days=9)
    await connection.execute(
        "UPDATE strategy_executions SET action_taken = 'opened_long', confidence_score = 0.66 WHERE id ="
        " (SELECT max(id) FROM strategy_executions WHERE symbol = 'ETHUSDT' AND timestamp <= $1)", entry)  # fmt: skip
    trade = await closed(connection, bot, None, entry_time=entry, exit_time=entry + timedelta(hours=20))
    told = await page(client, f"/trades/{trade}")
    ordered(told, "Signal: enter long", "confidence 0.66")
    assert "too few prices" not in told


async def test_amounts_are_hidden_and_shares_are_not(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    position = await opened(connection, bot, quantity="77.125")
    await connection.execute("UPDATE orders SET filled_quantity = 77.125, quantity = 77.125, commission = 7712.5")
    await connection.execute("UPDATE strategy_executions SET reasons = '[\"risk_7712.5\"]'")
    await insert(connection, "partial_trades", position_id=position, size=0.05, price=110, pnl="7712.5")
    client.set_cookie("localhost", "amounts", "hide")
    open_told = await page(client, f"/positions/{position}")
    trade = await closed(connection, bot, position, quantity="77.125", pnl="7712.5", commission="77.125")
    told = await page(client, f"/trades/{trade}")
    for text in (open_told, told):
        assert "77" not in text.replace(",", "").replace(".", "")
        ordered(text, "•••", "% ·", "R", "100.00", "•••")
