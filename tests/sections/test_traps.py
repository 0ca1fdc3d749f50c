"""The traps in the engine's data, each with rows that would fool a naive query; asked for over HTTP."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from monitoring.sections import SECTIONS
from tests.history import seed_account
from tests.rows import ago, book, insert, now
from tests.waiting import waiting
from tests.words import words

ZONES = ("UTC", "America/New_York", "Asia/Tokyo")
PATHS = (
    *("/api/status", "/api/metrics", "/api/balance", "/api/balance/history?days=30", "/api/performance?days=30"),
    *("/api/positions", "/api/trades", "/api/trades?sort=pnl", "/api/dashboard/state", "/api/system/status"),
)


def refuse(constant: str) -> float:
    raise AssertionError(f"JSON holds {constant}")


async def get(client: Any, path: str) -> Any:
    response = await client.get(path)
    assert response.status_code == 200, path
    return json.loads(await response.get_data(as_text=True), parse_constant=refuse)


@pytest.fixture(params=ZONES)
async def zone(request: pytest.FixtureRequest, connection: asyncpg.Connection) -> str:
    """What the database takes its local time from; the engine writes UTC all the same."""
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET timezone = '{request.param}'")
    return str(request.param)


async def test_windows_are_utc_wherever_the_server_is(zone: str, connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", start_time=ago(days=20), initial_balance=1000)
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    ends = (
        now(),
        midnight,
        midnight - timedelta(seconds=1),
        ago(days=7) + timedelta(minutes=1),
        ago(days=7, minutes=1),
    )
    for pnl, at in zip((1, 10, 100, 1000, 10_000), ends, strict=True):
        await insert(connection, "trades", session_id=session, pnl=pnl, commission=0, exit_time=at)
        await insert(connection, "account_history", session_id=session, timestamp=at, total_pnl=1)
    for hours in (0.9, 1.1, 3, 23.9, 24.1):
        await insert(connection, "system_events", session_id=session, severity="error", timestamp=ago(hours=hours))
    for hours, status in ((1, "FILLED"), (23, "FAILED"), (25, "FAILED")):
        await insert(connection, "orders", session_id=session, status=status, created_at=ago(hours=hours))
    metrics = await get(client, "/api/metrics")
    assert (metrics["daily_pnl"], metrics["weekly_pnl"], metrics["total_pnl"]) == (11, 1111, 11_111)
    assert (metrics["error_count"], metrics["errors_last_hour"]) == (4, 1)
    assert metrics["fill_rate"] == 50
    assert abs(metrics["system_uptime"] - 20 * 1440) < 5
    assert metrics["data_feed_status"] == "Active"
    performance = await get(client, "/api/performance?days=30")
    assert dict(zip(performance["days"], performance["daily_pnl"], strict=True))[midnight.date().isoformat()] == 11
    assert performance["timestamps"][-1].endswith("+00:00")


async def test_margin_is_of_the_newest_snapshot_exposure_of_now(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000)
    await insert(connection, "positions", session_id=session, quantity=2, entry_price=100, current_price=110,
                 unrealized_pnl=20, last_update=now())  # fmt: skip
    await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=1), balance=1000,
                 equity=1100, total_pnl=5, margin_used=220, margin_available=880, open_positions=1)  # fmt: skip
    await book(connection, session, now(), 990, change=-10)
    metrics = await get(client, "/api/metrics")
    assert (metrics["equity"], metrics["current_balance"]) == (1010, 990)
    assert metrics["margin_usage"] == 20
    assert metrics["current_exposure"] == pytest.approx(220 / 1010 * 100)
    assert metrics["available_margin"] == 880


@pytest.mark.parametrize("never", ["-infinity", "0001-01-01"])
async def test_an_entry_before_all_time(connection: asyncpg.Connection, client: Any, never: str) -> None:
    """Which nothing can be counted from: it is none."""
    session = await insert(connection, "trading_sessions", start_time=ago(days=3))
    position = await insert(connection, "positions", session_id=session, last_update=now())
    await connection.execute(f"UPDATE positions SET entry_time = '{never}' WHERE id = $1", position)
    row = {"session_id": session, "parameter_name": "position_size_factor"}
    await connection.execute(
        f"UPDATE risk_adjustments SET timestamp = '{never}' WHERE id = $1",
        await insert(connection, "risk_adjustments", **row),
    )
    metrics = await get(client, "/api/metrics")
    assert (metrics["dynamic_risk_factor"], metrics["active_positions_count"]) == (None, 1)


async def test_margin_of_zero_beside_an_exposure_is_unknown(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000)
    await insert(connection, "positions", session_id=session, quantity=2, current_price=110, last_update=now())
    row = {"balance": 1000, "equity": 1000, "margin_used": 0, "margin_available": 1000, "total_exposure": 5000}
    await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=1), total_pnl=5, **row)
    metrics = await get(client, "/api/metrics")
    assert (metrics["margin_usage"], metrics["available_margin"]) == (None, None)
    why = "the engine does not record margin: it wrote 0 while something was exposed"
    assert metrics["reasons"]["margin_usage"] == metrics["reasons"]["available_margin"] == why
    booking = {"total_balance": 1000, "available_balance": 400, "last_updated": now()}
    await insert(connection, "account_balances", session_id=session, **booking)
    metrics = await get(client, "/api/metrics")
    assert (metrics["margin_usage"], metrics["available_margin"]) == (None, 400)


async def test_running_before_ended_and_live_before_paper(connection: asyncpg.Connection, client: Any) -> None:
    ended = await insert(
        connection, "trading_sessions", mode="LIVE", start_time=ago(hours=1), end_time=ago(minutes=20), exchange="other"
    )
    assert (await get(client, "/api/status"))["status"] == "Offline"
    for mode, start in (("BACKTEST", ago(minutes=1)), ("PAPER", ago(minutes=2))):
        await insert(connection, "trading_sessions", mode=mode, start_time=start)
    older = await insert(connection, "trading_sessions", mode="LIVE", start_time=ago(days=3))
    await insert(connection, "account_history", session_id=older, timestamp=now())
    await insert(connection, "trading_sessions", mode="LIVE", start_time=ago(seconds=30), strategy_name="another")
    for session, pnl in ((ended, 1), (older, 2)):
        await insert(connection, "trades", session_id=session, pnl=pnl, commission=0)
    async with waiting():
        while (await get(client, "/api/metrics"))["total_pnl"] != 2:
            pass
    assert (await get(client, f"/api/metrics?session={ended}"))["total_pnl"] == 1


async def test_a_session_that_ends_is_seen_to_end(connection: asyncpg.Connection, client: Any) -> None:
    session = await seed_account(connection)
    assert (await get(client, "/api/status"))["status"] == "Online"
    await connection.execute("UPDATE trading_sessions SET end_time = $2 WHERE id = $1", session, now())
    async with waiting():
        while (await get(client, "/api/status"))["status"] != "Offline":
            pass
    assert (await get(client, "/api/metrics"))["total_trades"] == 40


@pytest.mark.parametrize("session", ["0", "4711", "-1", "99999999999", "1e3", "١", "x", "current;"])
async def test_a_session_that_is_none_is_not_found(connection: asyncpg.Connection, client: Any, session: str) -> None:
    await seed_account(connection)
    for path in ("/", "/api/metrics", "/api/trades", "/partials/trade_list", "/versions"):
        assert (await client.get(path, query_string={"session": session})).status_code == 404, path


@pytest.mark.parametrize(
    "config",
    [
        {"risk": {"risk_per_trade": 0.02}, "max_open_positions": 3},
        json.dumps({"risk_manager": {"risk_per_trade": 0.02}, "position_management": {"max_open_positions": 3}}),
    ],
)
async def test_the_configuration_in_all_its_shapes(connection: asyncpg.Connection, client: Any, config: object) -> None:
    # As the engine's ORM does it: a string becomes a JSON string that holds JSON.
    await insert(connection, "trading_sessions", strategy_config=json.dumps(config))
    bot = (await get(client, "/api/dashboard/state"))["bot"]
    assert (bot["risk_per_trade"], bot["max_open_positions"]) == (0.02, 3)


@pytest.mark.parametrize("config", [None, "[]", '"no JSON"', '{"risk_per_trade": "2 %", "risk": null}'])
async def test_a_configuration_that_says_nothing(connection: asyncpg.Connection, client: Any, config: str) -> None:
    await insert(connection, "trading_sessions", strategy_config=config)
    assert (await get(client, "/api/dashboard/state"))["bot"]["risk_per_trade"] is None


async def test_excursions_come_from_prices_whatever_unit_is_stored(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions")
    stored = {"session_id": session, "entry_price": 100, "mfe": 7, "mae": Decimal("-0.04")}
    await insert(connection, "trades", **stored, side="LONG", mfe_price=108, mae_price=97)
    await insert(connection, "trades", **stored, side="SHORT", mfe_price=92, mae_price=103, exit_time=ago(hours=2))
    await insert(connection, "trades", **stored, exit_time=ago(hours=3))
    found = await get(client, "/api/trades")
    assert [(trade["mfe"], trade["mae"]) for trade in found] == [
        (pytest.approx(0.08), pytest.approx(-0.03)),
        (pytest.approx(0.08), pytest.approx(-0.03)),
        (None, None),
    ]


async def test_clean_up_takes_rows_out_of_their_session(connection: asyncpg.Connection, client: Any) -> None:
    await seed_account(connection)
    assert (await get(client, "/api/metrics"))["total_trades"] == 40
    await connection.execute("UPDATE trades SET session_id = NULL WHERE id <= 15")
    await connection.execute("UPDATE account_history SET session_id = NULL WHERE id <= 15")
    await connection.execute("SELECT pg_stat_force_next_flush()")
    async with waiting():
        while (await get(client, "/api/metrics"))["total_trades"] != 25:
            pass
        while len(await get(client, "/api/balance/history?days=90")) != 26:
            pass


async def test_nan_and_null_wherever_the_engine_may_write_them(connection: asyncpg.Connection, client: Any) -> None:
    session = await seed_account(connection)
    numerics = await connection.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'numeric' AND table_name <> 'trading_sessions'"
    )
    for value in ("'NaN'", "NULL"):
        for table, column in numerics:
            try:
                await connection.execute(f"UPDATE {table} SET {column} = {value} WHERE id % 3 = 0 OR id = 1")
            except asyncpg.NotNullViolationError:
                continue
        await connection.execute("SELECT pg_stat_force_next_flush()")
        await insert(connection, "trades", session_id=session, exit_time=now(), pnl=Decimal("NaN"))
        for path in PATHS:
            await get(client, path)
        for section in SECTIONS:
            response = await client.get(f"/partials/{section.name}")
            body = await response.get_data(as_text=True)
            assert response.status_code == 200
            assert "could not be computed" not in body, section.name
            assert "nan" not in body.lower().replace("finan", ""), section.name


@pytest.mark.parametrize("end", ["9999-12-31", "infinity"])
async def test_an_end_that_means_none(connection: asyncpg.Connection, client: Any, end: str) -> None:
    session = await seed_account(connection)
    await connection.execute(f"UPDATE trading_sessions SET end_time = '{end}' WHERE id = $1", session)
    for path in PATHS:
        await get(client, f"{path}{'&' if '?' in path else '?'}session={session}")
    assert (await get(client, f"/api/metrics?session={session}"))["total_trades"] == 40


@pytest.mark.parametrize("end", ["9999-12-31", "2099-01-01"])
async def test_an_end_in_the_future_is_none(connection: asyncpg.Connection, client: Any, end: str) -> None:
    session = await insert(
        connection, "trading_sessions", start_time=ago(hours=5), end_time=datetime.fromisoformat(end)
    )
    await insert(connection, "account_history", session_id=session, timestamp=now(), total_pnl=1)
    await insert(connection, "system_events", session_id=session, message="the engine has begun")
    assert (await get(client, "/api/status"))["status"] == "Online"
    state = (await get(client, "/api/dashboard/state"))["bot"]
    assert (state["status"], round(state["uptime_seconds"] / 3600)) == ("running", 5)
    page = await (await client.get("/")).get_data(as_text=True)
    assert "the engine has begun" in page
    assert "has ended" not in page
    assert "5 h" in await (await client.get("/bots")).get_data(as_text=True)


async def test_trades_at_the_ends_of_time_are_listed(connection: asyncpg.Connection, client: Any) -> None:
    """What the totals count, the lists show."""
    session = await seed_account(connection)
    for at in ("infinity", "9999-12-31 12:00", "-infinity", "1969-07-20"):
        number = await insert(connection, "trades", session_id=session, pnl=1, side="SHORT")
        await connection.execute(f"UPDATE trades SET exit_time = '{at}' WHERE id = $1", number)
    for path in PATHS:
        await get(client, path)
    assert (await get(client, "/api/metrics"))["total_trades"] == 44
    assert len(await get(client, "/api/trades?limit=1000")) == 44
    assert len(await get(client, "/api/trades?limit=1000&side=short")) == 4
    assert len(await get(client, "/api/trades?limit=2&sort=%2Bexit_time")) == 2
    page = await client.get("/partials/trade_list")
    assert "could not be computed" not in await page.get_data(as_text=True)


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(hours=3), timedelta(days=2, hours=3)])
async def test_a_snapshot_of_the_future_is_not_the_newest(
    connection: asyncpg.Connection, client: Any, ahead: timedelta
) -> None:
    session = await seed_account(connection)
    before = await get(client, "/api/metrics")
    at = now() + ahead
    await insert(connection, "account_history", session_id=session, timestamp=at, balance=7, equity=7, total_pnl=1)
    for name in ("equity", "current_balance", "available_margin", "current_exposure", "unexplained", "total_return"):
        assert (await get(client, "/api/metrics"))[name] == before[name], name
    assert (await get(client, "/api/balance"))["equity"] == before["equity"]
    body = await words(client, "equity")
    assert f" {before['equity']:,.2f} balance" in body
    assert f"{at:%H:%M}" not in body
