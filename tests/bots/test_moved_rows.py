"""Rows of every table move from an ended session to the one that goes on with it, and are shown where they are."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from monitoring.scope_key import BotScope, SessionScope
from tests.faults.page import Page, dashboard
from tests.projections.row_changes import COUNTED
from tests.rows import ago, insert, now
from tests.signalled import signal_to
from tests.waiting import until, waiting

Commit = Callable[[asyncpg.Connection], Awaitable[Any]]

TABLES = ("trades", "account_history", "account_balances", "positions", "orders", "system_events",
          "strategy_executions", "risk_adjustments")  # fmt: skip
SECTIONS = {"trade_list", "equity", "all_positions", "faults", "figures", "risk_now", "account_now"}
"""Some of those in which the rows are seen."""


async def write(connection: asyncpg.Connection) -> None:
    """Rows of session 1 in every table: live ones, and ones that were finished before anybody watched."""
    await insert(connection, "trading_sessions", start_time=ago(days=2))
    for status in ("OPEN", "CLOSED"):
        await insert(connection, "positions", session_id=1, status=status, quantity=1)
    for status in ("PENDING", "FAILED"):
        await insert(connection, "orders", session_id=1, status=status, position_id=1, created_at=ago(hours=2))
    await insert(connection, "trades", session_id=1, pnl=7, commission=0, exit_time=now())
    await insert(
        connection, "account_history", session_id=1, balance=70, equity=77, total_pnl=1, timestamp=ago(hours=3)
    )
    await insert(connection, "account_balances", session_id=1, total_balance=70, last_updated=ago(hours=3))
    await insert(connection, "system_events", session_id=1, severity="error")
    await insert(connection, "strategy_executions", session_id=1, indicators={"rsi": 70})
    await insert(connection, "risk_adjustments", session_id=1)


async def end(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE trading_sessions SET end_time = $1 WHERE id = 1", now())


async def begin(connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", start_time=now())


async def move(connection: asyncpg.Connection) -> None:
    for table in TABLES:
        await connection.execute(f"UPDATE {table} SET session_id = 2")
    await connection.execute(COUNTED)


async def at_once(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        for commit in (end, begin, move):
            await commit(connection)


ORDERS: dict[str, tuple[Commit, ...]] = {
    "as the engine does": (end, begin, move),
    "begun before the end": (begin, end, move),
    "ended last": (begin, move, end),
    "in one transaction": (at_once,),
}
THERE = {"total_trades": 1, "equity": 77, "current_balance": 70, "error_count": 1, "rsi": 70, "failed_orders": 1,
         "positions": [1], "pending": [1]}  # fmt: skip
GONE = {"total_trades": 0, "equity": None, "current_balance": None, "error_count": 0, "rsi": None,
        "failed_orders": 0, "positions": [], "pending": []}  # fmt: skip


async def shown(page: Page, scope: str) -> dict[str, Any]:
    metrics = await page.json(f"/api/metrics?{scope}")
    return {name: metrics[name] for name in THERE.keys() & metrics.keys()} | {
        "positions": [row["id"] for row in await page.json(f"/api/positions?{scope}")],
        "pending": [row["id"] for row in await page.json(f"/api/pending-orders?{scope}")],
    }


async def told(page: Page, scope: str) -> None:
    """Until a viewer has heard of every section in which the rows are seen."""
    heard: set[str] = set()
    subscription = page.parts.hub.subscribe(scope)
    try:
        async with waiting():
            while not heard >= SECTIONS & set(page.parts.hub.sections):
                heard |= set((await signal_to(subscription)).sections)
    finally:
        page.parts.hub.remove(subscription)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("polled", [False, True], ids=["one poll", "a poll each"])
@pytest.mark.parametrize("viewed", [False, True], ids=["nobody looks", "a page looks"])
async def test_rows_are_shown_where_they_are(
    connection: asyncpg.Connection, database_url: str, order: str, polled: bool, viewed: bool
) -> None:
    await write(connection)
    async with dashboard(database_url, followed=viewed) as page:
        assert await shown(page, "session=1") == THERE
        viewers = [asyncio.create_task(told(page, scope)) for scope in (SessionScope(1), BotScope(1)) if viewed]
        await asyncio.sleep(0)
        for commit in ORDERS[order]:
            await commit(connection)
            if polled:
                await page.parts.feed.caught_up()
                for scope in ("bot=1", ""):
                    assert (await shown(page, scope))["positions"] == [1], scope

        async def moved() -> bool:
            return await shown(page, "session=2") == THERE and await shown(page, "session=1") == GONE

        await until(moved)
        assert await shown(page, "bot=2") == await shown(page, "bot=1") == await shown(page, "") == THERE
        await asyncio.gather(*viewers)
