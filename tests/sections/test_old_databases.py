"""What is shown of databases that today's engine did not make: each with rows that once made every page an error."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert, now
from tests.shapes import shape
from tests.waiting import waiting


def refuse(constant: str) -> float:
    raise AssertionError(f"JSON holds {constant}")


async def get(client: Any, path: str) -> Any:
    response = await client.get(path)
    text = await response.get_data(as_text=True)
    assert response.status_code == 200, (path, text)
    return json.loads(text, parse_constant=refuse)


@pytest.fixture
async def odd(request: pytest.FixtureRequest, connection: asyncpg.Connection) -> None:
    """The shape that the test names; asked for before ``client``."""
    await shape(connection, request.param)


async def session(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=ago(days=3), initial_balance=10_000)


@pytest.mark.parametrize("odd", ["float"], indirect=True)
async def test_double_precision_everywhere(odd: None, connection: asyncpg.Connection, client: Any) -> None:
    number = await session(connection)
    await insert(connection, "trades", session_id=number, pnl=50, quantity=0.05, exit_time=ago(hours=20))
    metrics = await get(client, "/api/metrics")
    assert (metrics["total_trades"], metrics["total_pnl"]) == (1, 50)
    assert (await client.get("/")).status_code == 200


async def test_times_with_a_zone(connection: asyncpg.Connection, client: Any) -> None:
    """Converted while the dashboard runs, and read in UTC wherever the server is."""
    number = await session(connection)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
    at = now()
    await insert(connection, "account_history", session_id=number, timestamp=at, total_pnl=1)
    await shape(connection, "timestamptz")
    assert (await get(client, "/api/metrics"))["equity"] == 10_000
    balance = await get(client, "/api/balance")
    assert balance["timestamp"] == f"{at.isoformat()}+00:00"


async def test_some_times_with_a_zone(connection: asyncpg.Connection, client: Any) -> None:
    number = await session(connection)
    for hours in range(61):
        await insert(connection, "account_history", session_id=number, timestamp=ago(hours=hours), total_pnl=1.5)
    await connection.execute("""
        ALTER TABLE account_history ALTER timestamp TYPE timestamptz USING timestamp AT TIME ZONE 'UTC';
        ALTER TABLE trades ALTER entry_time TYPE timestamptz USING entry_time AT TIME ZONE 'UTC',
                           ALTER exit_time TYPE timestamptz USING exit_time AT TIME ZONE 'UTC';
        ALTER TABLE trading_sessions ALTER start_time TYPE timestamptz USING start_time AT TIME ZONE 'UTC',
                                     ALTER end_time TYPE timestamptz USING end_time AT TIME ZONE 'UTC';
    """)
    assert (await get(client, "/api/metrics"))["equity"] == 10_000
    assert await get(client, "/api/trades") == []
    assert (await get(client, "/api/status"))["status"] == "Online"


@pytest.mark.parametrize("odd", ["oldfloat"], indirect=True)
async def test_balances_of_double_precision(odd: None, connection: asyncpg.Connection, client: Any) -> None:
    """What the engine's synchronisation added counts as paid in: no return, and no drawdown."""
    number = await session(connection)
    for days, total, reason in ((2, 10_000, "session_start"), (1, 11_000, "exchange_sync_correction")):
        booked = {"last_updated": ago(days=days), "total_balance": total, "update_reason": reason}
        await insert(connection, "account_balances", session_id=number, **booked)
    for days, balance in ((2, 10_000), (0, 11_000)):
        at = ago(days=days, seconds=1)
        await insert(connection, "account_history", session_id=number, timestamp=at, balance=balance, total_pnl=1)
    metrics = await get(client, "/api/metrics")
    assert (metrics["equity"], metrics["total_return"], metrics["max_drawdown"]) == (11_000, 0, 0)


@pytest.mark.parametrize("odd", ["numeric"], indirect=True)
async def test_infinite_results_are_unknown(odd: None, connection: asyncpg.Connection, client: Any) -> None:
    number = await session(connection)
    for pnl in ("Infinity", "-Infinity", "5"):
        await connection.execute(
            "INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, entry_time, exit_time, pnl,"
            " pnl_percent, strategy_name, session_id) VALUES ('BTCUSDT', 'LONG', 'LIVE', 100, 101, 0.1, $1, $2,"
            f" '{pnl}'::numeric, 1, 's', $3)",
            *(ago(hours=2), ago(hours=1), number),
        )
    metrics = await get(client, "/api/metrics")
    assert (metrics["total_trades"], metrics["total_pnl"]) == (3, None)
    assert "2 of 3 closed trades" in metrics["reasons"]["total_pnl"]
    assert [trade["pnl"] for trade in await get(client, "/api/trades?sort=pnl")] == [5, None, None]


@pytest.mark.parametrize("odd", ["native enums"], indirect=True)
async def test_labels_of_the_first_generation(odd: None, connection: asyncpg.Connection, client: Any) -> None:
    """PENDING and OPEN are open, FILLED and CLOSED are closed."""
    number = await session(connection)
    for status in ("PENDING", "OPEN", "FILLED", "CLOSED"):
        await insert(connection, "positions", session_id=number, status=status)
    assert (await get(client, "/api/metrics"))["active_positions_count"] == 2
    assert [position["side"] for position in await get(client, "/api/positions")] == ["long", "long"]
    await connection.execute("UPDATE positions SET status = 'FILLED' WHERE status = 'PENDING'")
    async with waiting():
        while len(await get(client, "/api/positions")) != 1:  # noqa: ASYNC110 - what the feed tells takes its time
            await asyncio.sleep(0.05)


async def test_symbols_beyond_ascii(connection: asyncpg.Connection, client: Any) -> None:
    number = await insert(connection, "trading_sessions", symbol="测试USDT")
    for symbol in ("测试USDT", "\u202eEVIL"):
        await insert(connection, "trades", session_id=number, symbol=symbol)
    page = await (await client.get("/partials/trade_list")).get_data(as_text=True)
    assert "<bdi>测试USDT</bdi>" in page
    assert "<bdi>\u202eEVIL</bdi>" in page
    [trade] = await get(client, "/api/trades?symbol=%E6%B5%8B%E8%AF%95USDT")
    assert trade["symbol"] == "测试USDT"
    assert (await client.get("/api/trades?symbol=%00")).status_code == 422
    assert {trade["symbol"] for trade in await get(client, "/api/trades")} == {"测试USDT", "\u202eEVIL"}


WITHOUT_DEPOSITS = {
    "DROP TABLE account_balances": "this database has no table account_balances",
    "ALTER TABLE account_balances DROP update_reason": "the table account_balances has no column update_reason",
}
WITH_RETURNS = ("equity", "risk_now", "verdict", "believable", "figures", "calendar", "declines")


@pytest.fixture(params=WITHOUT_DEPOSITS)
async def change(request: pytest.FixtureRequest, connection: asyncpg.Connection) -> str:
    """What is done to the database before ``client`` looks at it."""
    number = await session(connection)
    for days, balance in ((2, 10_000), (1, 12_000), (0, 11_000)):
        at = ago(days=days, seconds=1)
        await insert(connection, "account_history", session_id=number, timestamp=at, balance=balance, total_pnl=1)
    await connection.execute(request.param)
    return request.param


async def test_no_profit_is_made_up_where_deposits_are_unknown(change: str, client: Any) -> None:
    why = f"deposits cannot be distinguished from profit: {WITHOUT_DEPOSITS[change]}"
    metrics = await get(client, "/api/metrics")
    assert metrics["equity"] == 11_000
    for key in ("total_return", "volatility", "current_drawdown", "max_drawdown", "calmar_ratio"):
        assert (metrics[key], metrics["reasons"][key]) == (None, why)
    [bot] = await get(client, "/api/bots")
    assert (bot["equity"], bot["today"], bot["total_return"], bot["max_drawdown"]) == (11_000, None, None, None)
    history = await get(client, "/api/balance/history")
    assert [point["equity"] for point in history] == [10_000, 12_000, 11_000]
    assert {point["drawdown"] for point in history} == {None}
    sections = {name: await (await client.get(f"/partials/{name}")).get_data(as_text=True) for name in WITH_RETURNS}
    assert {name for name, html in sections.items() if WITHOUT_DEPOSITS[change] in html} == set(WITH_RETURNS)
    curve = await (await client.get("/partials/curve")).get_data(as_text=True)
    assert "11,000.00" in curve
    assert "Reading the history" not in curve
    assert WITHOUT_DEPOSITS[change] in await (await client.get("/table/drawdown")).get_data(as_text=True)
