"""Rows whose session the engine's clean-up took away stay with the bot of whatever they name."""

from collections.abc import Mapping
from functools import partial

import asyncpg

from tests.bots.test_bots import open_ids, page
from tests.faults.page import Page
from tests.rows import ago, insert, now
from tests.waiting import until

__all__ = ["page"]


async def test_an_open_position_stays_by_its_order(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "orders", position_id=1, session_id=1, status="FILLED", created_at=ago(hours=1))
    await connection.execute("UPDATE positions SET session_id = NULL, current_price = 51234.5, last_update = $1", now())
    await page.shows("open_positions", "51,234.50")
    assert await open_ids(page) == [1]
    assert (await page.json("/api/positions/1/orders?bot=1"))["position_id"] == 1


async def test_trades_stay_by_position_or_order(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "orders", session_id=1, internal_order_id="exit-7", created_at=ago(hours=3))
    common = {"session_id": None, "commission": 0, "entry_time": ago(hours=4), "exit_time": ago(hours=3)}
    await insert(connection, "trades", position_id=1, pnl=20, **common)
    await insert(connection, "trades", order_id="exit-7", pnl=7, **common)
    await insert(connection, "trades", pnl=1000, **common)

    async def total() -> bool:
        metrics = await page.json("/api/metrics")
        return (metrics["total_trades"], metrics["total_pnl"]) == (3, 127)

    await until(total)
    assert [trade["pnl"] for trade in await page.json("/api/trades?sort=pnl")] == [100, 20, 7]


async def test_trades_stay_when_their_session_is_taken(page: Page, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE trades SET position_id = 1, session_id = NULL, pnl = 55")
    await connection.execute("SELECT pg_stat_force_next_flush()")

    async def total() -> bool:
        metrics = await page.json("/api/metrics")
        return (metrics["total_trades"], metrics["total_pnl"]) == (1, 55)

    await until(total)


async def test_a_position_goes_where_its_order_goes(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="PAPER", strategy_name="other")
    await insert(connection, "orders", position_id=1, session_id=1, status="FILLED", created_at=ago(days=2))
    await connection.execute("UPDATE positions SET session_id = NULL")
    await until(lambda: open_ids(page, "bot=1"))
    await connection.execute("UPDATE orders SET session_id = 2")
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await until(lambda: open_ids(page, "bot=2"))
    assert await open_ids(page, "bot=1") == []
    counts = [(await page.json(f"/api/metrics?bot={bot}"))["active_positions_count"] for bot in (1, 2)]
    assert counts == [0, 1]


async def test_trades_follow_their_position_at_once(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="PAPER", strategy_name="other")
    await insert(connection, "trades", session_id=None, position_id=1, pnl=20, commission=0)
    await until(partial(trades_are, page, {1: (2, [100, 20]), 2: (0, [])}))
    await connection.execute("UPDATE positions SET session_id = 2")
    await until(partial(trades_are, page, {1: (1, [100]), 2: (1, [20])}))


async def test_trades_follow_an_order_at_once(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="PAPER", strategy_name="other")
    times = {"entry_time": ago(hours=4), "exit_time": ago(hours=3)}
    await insert(connection, "trades", session_id=None, order_id="late", pnl=20, commission=0, **times)
    lost = await insert(connection, "positions", session_id=None, status="CLOSED")
    await insert(connection, "trades", session_id=None, position_id=lost, pnl=30, commission=0)
    late = await insert(connection, "orders", session_id=1, internal_order_id="late", created_at=times["entry_time"])
    order = {"position_id": lost, "status": "SUBMITTED", "created_at": times["exit_time"]}
    named = await insert(connection, "orders", session_id=1, **order)
    await until(partial(trades_are, page, {1: (3, [100, 30, 20]), 2: (0, [])}))
    await connection.execute("UPDATE orders SET session_id = 2 WHERE id = ANY($1::int[])", [late, named])
    await until(partial(trades_are, page, {1: (1, [100]), 2: (2, [30, 20])}))


async def trades_are(page: Page, wanted: Mapping[int, tuple[int, list[int]]]) -> bool:
    """Whether each bot has so many trades, and these gross results, best first."""
    found = {}
    for bot in wanted:
        metrics = await page.json(f"/api/metrics?bot={bot}")
        trades = await page.json(f"/api/trades?bot={bot}&sort=pnl")
        found[bot] = metrics["total_trades"], [trade["pnl"] for trade in trades]
    return found == wanted


async def test_orders_and_exits_follow_their_position(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="PAPER", strategy_name="other")
    order = {"session_id": None, "position_id": 1, "status": "FAILED", "created_at": ago(minutes=5)}
    await insert(connection, "orders", internal_order_id="follows", **order)
    await insert(connection, "partial_trades", position_id=1, operation_type="PARTIAL_EXIT", size=0.1, price=1)

    async def failed() -> list[tuple[int, int]]:
        metrics = [await page.json(f"/api/metrics?bot={bot}") for bot in (1, 2)]
        exits = [await page.json(f"/api/partial-trades?bot={bot}") for bot in (1, 2)]
        return [(one["failed_orders"] or 0, len(some)) for one, some in zip(metrics, exits, strict=True)]

    async def belong_to(bot: int) -> bool:
        return await failed() == [(int(one == bot), int(one == bot)) for one in (1, 2)]

    await until(partial(belong_to, 1))
    await connection.execute("UPDATE positions SET session_id = 2")
    await until(partial(belong_to, 2))


async def test_trades_of_nobody_are_counted(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "trades", session_id=None, position_id=1, pnl=20)
    await insert(connection, "trades", session_id=None, pnl=1000)

    async def left_out(wanted: int) -> bool:
        found = [(await page.json(f"/api/status?{scope}"))["left_out"] for scope in ("bot=1", "session=1")]
        return [one["trades"] for one in found] == [wanted] * 2

    await until(partial(left_out, 1))
    await connection.execute("UPDATE trades SET session_id = 1 WHERE session_id IS NULL")
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await until(partial(left_out, 0))


async def test_rows_of_nobody_are_counted_by_table(page: Page, connection: asyncpg.Connection) -> None:
    """An order or a partial trade whose position is somebody's is not among them."""
    orphan = await insert(connection, "positions", session_id=None)
    for position in (1, orphan):
        await insert(connection, "orders", session_id=None, position_id=position)
        await insert(connection, "partial_trades", position_id=position)
    await insert(connection, "account_history", session_id=None)
    counts = {
        "positions": 1,
        "orders": 1,
        "partial_trades": 1,
        "account_history": 1,
        "account_balances": 0,
        "trades": 0,
    }
    await until(partial(left_out_are, page, counts))
    await insert(connection, "account_history", session_id=None)
    await until(partial(left_out_are, page, counts | {"account_history": 2}))
    await connection.execute("UPDATE positions SET session_id = 1 WHERE id = $1", orphan)
    of_positions = ("positions", "orders", "partial_trades")
    await until(partial(left_out_are, page, counts | {"account_history": 2, **dict.fromkeys(of_positions, 0)}))


async def left_out_are(page: Page, wanted: Mapping[str, int]) -> bool:
    return (await page.json("/api/status?bot=1"))["left_out"] == wanted
