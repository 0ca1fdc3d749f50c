"""What rows lack is left out of a story with the reason, and never a zero; what is wrong in them is survived."""

from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.stories import closed, opened, ordered, page, words
from tests.waiting import until


async def test_a_position_closed_without_a_trade_says_so(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    position = await opened(connection, bot, status="CLOSED")
    assert "no trade tells how" in await page(client, f"/positions/{position}")


async def test_what_old_rows_lack_is_left_out_with_a_reason(
    bot: int, connection: asyncpg.Connection, client: Any
) -> None:
    bare = dict.fromkeys(("quantity", "commission", "margin_interest_cost", "exit_reason", "mfe_price", "mae_price"))
    trade = await closed(connection, bot, None, **bare, mfe=3.5, mae=-1.2)
    told = await page(client, f"/trades/{trade}")
    ordered(told, "+24.00", "no reason recorded", "The decision to enter: the engine logged none", "which position",
            "worst and the best point", "Fees", "— unknown", "Interest", "— unknown", "Risked", "— unknown",
            "Heat taken", "— unknown", "Caught of the best", "— unknown")  # fmt: skip
    assert "0.00R" not in told


async def test_a_position_is_found_by_the_order_of_its_trade(
    bot: int, connection: asyncpg.Connection, client: Any
) -> None:
    position = await opened(connection, bot)
    await closed(connection, bot, position)
    await connection.execute("UPDATE trades SET position_id = NULL, order_id = 'x-77'")
    await connection.execute("UPDATE orders SET exchange_order_id = 'x-77' WHERE order_type = 'FULL_EXIT'")
    ordered(await page(client, "/trades/1"), "Entry 2 asked at 99.000", "Stop placed at 90.000", "stop cancelled")


async def test_a_trade_of_paper_money_has_no_stop_orders(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    position = await opened(connection, bot, trailing_stop_activated=True)
    await connection.execute("DELETE FROM orders WHERE order_type = 'STOP_LOSS'")
    trade = await closed(connection, bot, position)
    told = await page(client, f"/trades/{trade}")
    ordered(told, "Stop moved to 101.00", "trailing", "when is not recorded", "no order at the exchange", "Exit")
    ordered(told, "Risked", "— unknown")


HOSTILE = {
    "symbol": "币安人生ÄÖ<script>&USDT", "exit_reason": "<b>" + "x" * 97, "pnl": "NaN", "commission": "NaN",
    "quantity": "NaN",
    "entry_price": 0.00000001, "exit_price": 9_999_999_999, "mfe_price": "NaN", "mae_price": -5, "stop_loss": -1,
}  # fmt: skip


async def test_hostile_rows_are_survived(bot: int, connection: asyncpg.Connection, client: Any) -> None:
    position = await opened(connection, bot, stop_loss="NaN", take_profit="NaN", original_size=0, quantity="NaN",
                            entry_balance=0, current_price="NaN")  # fmt: skip
    await insert(connection, "partial_trades", position_id=position, size=0, price=0, pnl="NaN", timestamp=ago(hours=7))
    await connection.execute("UPDATE orders SET price = 'NaN', commission = 'NaN', filled_quantity = 'NaN'")
    await page(client, f"/positions/{position}")
    trade = await closed(connection, bot, position, **HOSTILE)
    body = await (await client.get(f"/trades/{trade}")).get_data(as_text=True)
    assert "could not be computed" not in body
    assert "<script>&USDT" not in body
    assert "&lt;script&gt;" in body
    assert "nan" not in words(body).lower().replace("finance", "")


@pytest.mark.parametrize("table", ["orders", "partial_trades", "strategy_executions", "risk_adjustments", "positions"])
async def test_a_missing_table_leaves_its_part_out(
    bot: int, connection: asyncpg.Connection, client: Any, table: str
) -> None:
    trade = await closed(connection, bot, await opened(connection, bot))
    await connection.execute(f"ALTER TABLE {table} RENAME TO gone")

    async def told() -> bool:
        # It takes a moment to notice.
        body = await (await client.get(f"/trades/{trade}")).get_data(as_text=True)
        return "ETHUSDT" in body and "+20.00" in body and "What it made" in body

    await until(told)


async def test_no_trade_at_all_says_so(bot: int, client: Any) -> None:
    response = await client.get("/partials/story")
    assert response.status_code == 200
    assert "No trade has been closed yet" in await response.get_data(as_text=True)


async def test_a_fee_in_another_asset_is_no_amount_of_the_account(
    bot: int, connection: asyncpg.Connection, client: Any
) -> None:
    """Exchanges take the fee of a purchase in what was bought; the trade has it in the account's money."""
    position = await opened(connection, bot)
    trade = await closed(connection, bot, position)
    await connection.execute("UPDATE orders SET actual_commission = 0.0013 WHERE order_type = 'ENTRY'")
    told = await page(client, f"/trades/{trade}")
    ordered(told, "Before costs", "Fees", "−4.00", "Interest")
    assert "0.0013" not in told
    assert "fee" not in told
