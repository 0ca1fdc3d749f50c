"""The bot, and not the session, is what is shown: one curve, one list of trades, its open positions throughout."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.faults.page import Page, dashboard
from tests.rows import ago, insert, now
from tests.waiting import until


@pytest.fixture
async def page(connection: asyncpg.Connection, database_url: str) -> AsyncIterator[Page]:
    """Of a LIVE bot with one session, one trade, one open position."""
    await insert(connection, "trading_sessions", mode="LIVE", start_time=ago(days=3), initial_balance=1000)
    await snapshot(connection, 1, 48, 1000)
    await snapshot(connection, 1, 1, 1100)
    await insert(connection, "trades", session_id=1, pnl=100, commission=0, exit_time=ago(hours=2))
    await insert(connection, "positions", session_id=1, symbol="BTCUSDT", quantity=1, last_update=now())
    async with dashboard(database_url) as opened:
        await opened.shows("open_positions", "BTCUSDT")
        yield opened


async def snapshot(connection: asyncpg.Connection, session: int, hours: float, equity: float) -> None:
    await insert(connection, "account_history", session_id=session, timestamp=ago(hours=hours), balance=equity,
                 equity=equity, total_pnl=1)  # fmt: skip


async def restart(connection: asyncpg.Connection, balance: float = 1100) -> None:
    await connection.execute("UPDATE trading_sessions SET end_time = $1 WHERE id = 1", ago(minutes=2))
    await insert(connection, "trading_sessions", mode="LIVE", start_time=ago(minutes=1), initial_balance=balance)


async def open_ids(page: Page, scope: str = "") -> list[int]:
    return [position["id"] for position in await page.json(f"/api/positions?{scope}")]


async def test_a_position_is_never_absent_in_a_restart(page: Page, connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE trading_sessions SET end_time = $1", now())
    assert await open_ids(page) == await open_ids(page, "bot=1") == [1]
    await insert(connection, "trading_sessions", mode="LIVE", start_time=now(), initial_balance=1100)
    assert await open_ids(page) == await open_ids(page, "bot=2") == [1]
    await connection.execute("UPDATE positions SET session_id = 2")
    for scope in ("", "bot=1", "bot=2", "session=2"):
        assert await open_ids(page, scope) == [1], scope
    assert await open_ids(page, "session=1") == []
    await connection.execute("UPDATE positions SET current_price = 51234.5, last_update = $1", now())
    await page.shows("open_positions", "51,234.50")


async def test_a_restart_leaves_one_history(page: Page, connection: asyncpg.Connection) -> None:
    await restart(connection)
    await snapshot(connection, 2, 0, 1210)
    await insert(connection, "trades", session_id=2, pnl=110, commission=0, exit_time=now())
    bot = await page.json("/api/metrics")
    assert bot["total_trades"] == 2
    assert bot["total_pnl"] == 210
    assert (await page.json("/api/metrics?session=2"))["total_trades"] == 1
    assert len(await page.json("/api/trades?bot=2")) == 2
    curve = await page.json("/api/balance/history?days=30")
    assert [point["equity"] for point in curve] == [1000, 1100, 1210]


async def test_a_balance_that_jumps_at_a_restart_is_no_return(page: Page, connection: asyncpg.Connection) -> None:
    await restart(connection, balance=2200)
    await snapshot(connection, 2, 0, 2200)

    async def known() -> bool:
        return (await page.json("/api/metrics"))["max_drawdown"] is not None

    await until(known)
    assert (await page.json("/api/metrics"))["equity"] == 2200
    assert (await page.json("/api/metrics"))["current_drawdown"] == pytest.approx(0)
    assert [row["total_return"] for row in await page.json("/api/bots")] == [pytest.approx(0, abs=20)]


async def test_the_bots_are_listed(page: Page, connection: asyncpg.Connection) -> None:
    await restart(connection)
    await insert(connection, "trading_sessions", mode="PAPER", strategy_name="paper", start_time=ago(days=1))
    listed = await page.json("/api/bots")
    assert [(bot["id"], bot["mode"], bot["sessions"], bot["trades"]) for bot in listed] == [
        (1, "LIVE", [1, 2], 1), (3, "PAPER", [3], 0)]  # fmt: skip
    words = await page.get("/bots")
    assert "2 sessions" in words
    assert all(f'href="/?{scope}"' in words for scope in ("bot=1", "bot=3", "session=1", "session=2", "session=3"))
    assert "paper" in words
    assert re.search(r'data-label="Max drawdown"><span title="no equity snapshot yet">', words)


@pytest.mark.parametrize(
    ("scope", "status"),
    [("bot=9", 404), ("session=9", 404), ("bot=x", 404), ("bot=1&session=1", 422), ("bot=1", 200)],
)
async def test_scopes_that_there_are_not(page: Page, scope: str, status: int) -> None:
    for path in ("/api/metrics", "/partials/trade_list", "/", "/bots"):
        answer: Any = await page.client.get(f"{path}?{scope}")
        assert answer.status_code == status, path


async def test_an_open_page_keeps_its_bot(page: Page, connection: asyncpg.Connection) -> None:
    assert "bot=1" in await page.get("/partials/trade_list")
    await connection.execute("UPDATE trading_sessions SET end_time = $1", ago(hours=1))
    await insert(connection, "trading_sessions", mode="PAPER", strategy_name="paper", start_time=ago(days=1))
    assert "PAPER" in await page.get("/")
    assert "LIVE" in await page.get("/?bot=1")


async def test_a_bot_that_ended_is_listed_with_its_figures(page: Page, connection: asyncpg.Connection) -> None:
    """The same ones as its own page shows, also after a correction."""
    ended = await insert(connection, "trading_sessions", mode="PAPER", strategy_name="paper", initial_balance=1000,
                         start_time=ago(days=9), end_time=ago(days=4))  # fmt: skip
    for hours, equity in ((24 * 8, 1100), (24 * 7, 900), (24 * 5, 1200)):
        await snapshot(connection, ended, hours, equity)
    await insert(connection, "account_balances", session_id=ended, total_balance=1000, last_updated=ago(days=9))
    await insert(connection, "trades", session_id=ended, exit_time=ago(days=5))
    keys = ("equity", "total_return", "max_drawdown", "trades", "open_positions")

    async def listed() -> Any:
        row = next(bot for bot in await page.json("/api/bots") if bot["id"] == ended)
        return {key: row[key] for key in (*keys, "today")}

    async def shown() -> Any:
        metrics = await page.json(f"/api/metrics?bot={ended}")
        names = {"trades": "total_trades", "open_positions": "active_positions_count"}
        return {**{key: metrics[names.get(key, key)] for key in keys}, "today": 0}

    first = await listed()
    assert first == await shown()
    assert (first["equity"], first["trades"]) == (1200, 1)
    await connection.execute("DELETE FROM account_history WHERE session_id = $1 AND equity = 900", ended)

    async def corrected() -> bool:
        return (await listed())["max_drawdown"] != first["max_drawdown"]

    await until(corrected)
    assert await listed() == await shown()


async def test_many_bots_are_listed_page_by_page(page: Page, connection: asyncpg.Connection) -> None:
    for number in range(60):
        await insert(connection, "trading_sessions", mode="BACKTEST", strategy_name=f"test-{number}",
                     start_time=ago(days=90), end_time=ago(days=80))  # fmt: skip
    found = "".join([await page.get(f"/bots?page={number}") for number in (1, 2, 3)])
    names = re.sub(r"<wbr>", "", found)
    assert all(f"test-{number}<" in names for number in range(60))
    assert (await page.client.get("/bots?page=0")).status_code == 422


async def test_paper_money_goes_on_where_it_stood_at_the_start(page: Page, connection: asyncpg.Connection) -> None:
    """The first session ends while the second has begun, and books once more: 1,000 goes on, 5,000 would be reset."""
    began = ago(hours=1)
    paper = {"mode": "PAPER", "symbol": "ETHUSDT"}
    first = await insert(connection, "trading_sessions", **paper, start_time=ago(hours=9), initial_balance=700,
                         end_time=began + timedelta(seconds=40))  # fmt: skip
    for seconds, balance in ((-50, 1000), (30, 5000)):
        await insert(connection, "account_balances", session_id=first, total_balance=balance,
                     last_updated=began + timedelta(seconds=seconds))  # fmt: skip
    second = await insert(connection, "trading_sessions", **paper, start_time=began, initial_balance=1000,
                          end_time=ago(minutes=9))  # fmt: skip
    reset = await insert(connection, "trading_sessions", **paper, start_time=ago(minutes=8), initial_balance=700)
    bots = [bot["sessions"] for bot in await page.json("/api/bots") if bot["mode"] == "PAPER"]
    assert sorted(bots) == [[first, second], [reset]]


async def test_an_order_without_session_stays_with_its_position(page: Page, connection: asyncpg.Connection) -> None:
    """One order kept the session that ended, the other lost it; the position was moved to the new one."""
    for session in (1, None):
        await insert(connection, "orders", session_id=session, position_id=1, status="OPEN", created_at=ago(hours=1))
    await restart(connection)
    await connection.execute("UPDATE positions SET session_id = 2")

    async def pending(scope: str) -> list[int]:
        return sorted(order["id"] for order in await page.json(f"/api/pending-orders?{scope}"))

    await until(lambda: open_ids(page, "session=2"))
    assert [await pending(scope) for scope in ("bot=1", "session=1", "session=2")] == [[1, 2], [1], [2]]


async def test_an_ended_bot_without_snapshots_says_so(page: Page, connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", mode="BACKTEST", start_time=ago(days=9), end_time=ago(days=8))

    async def listed() -> bool:
        words = await (await page.client.get("/bots")).get_data(as_text=True)
        return "BACKTEST" in words and words.count('title="no equity snapshot yet"') == 2

    await until(listed)


async def test_an_open_page_counts_the_sessions_of_its_bot(page: Page, connection: asyncpg.Connection) -> None:
    await page.shows("sessions", "<small>1 since")
    await restart(connection)
    await page.shows("sessions", "<small>2 since")
