"""Alerts at the edges of their rules: rows of nobody, bots long silent, limits met exactly, times of another zone."""

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from monitoring.rendering.templates import make_environment
from tests.rows import ago, insert, now
from tests.waiting import until
from tests.web.alerting import alerts, guard, healthy_bot, hold, lines
from tests.web.calls import get


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    return await healthy_bot(connection)


async def test_errors_are_shown_in_words(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    for code in ("WS_RECONNECT", "WS_RECONNECT", "NEW_CODE"):
        await insert(connection, "system_events", session_id=bot, severity="error", error_code=code)
    found = {one["subject"]: one["text"] for one in await alerts(client)}
    assert found == {
        "WS_RECONNECT": "2 errors in the last hour: stream reconnected",
        "NEW_CODE": "1 error in the last hour: NEW_CODE",
    }


async def test_one_of_a_kind_reads_as_one(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    row = {"session_id": bot, "entity_type": "order", "field": "status", "reason": "look", "timestamp": now()}
    await insert(connection, "reconciliation_audit_events", severity="HIGH", **row)
    await insert(connection, "orders", session_id=bot, status="UNKNOWN", created_at=now())
    assert {one["text"] for one in await alerts(client)} == {
        "1 order of the last hour failed or has an unknown outcome",
        "1 finding of the reconciliation with the exchange needs a person",
    }


async def test_a_failed_order_without_its_creation(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    await insert(connection, "orders", session_id=bot, status="FAILED", created_at=None, last_update=ago(minutes=5))
    assert await lines(client) == [("orders_failed", "warning", 1)]


@pytest.fixture
async def old_orders(connection: asyncpg.Connection, bot: int) -> None:
    """Placed long before the dashboard started; one of them failed just before."""
    for status, at in (("FAILED", ago(minutes=5)), ("UNKNOWN", ago(minutes=70)), ("FILLED", ago(days=199))):
        await insert(connection, "orders", session_id=bot, status=status, created_at=ago(days=200), last_update=at)


async def test_orders_of_long_ago_that_fail_now(connection: asyncpg.Connection, old_orders: None, client: Any) -> None:
    assert await lines(client) == [("orders_failed", "warning", 1)]
    await connection.execute("UPDATE orders SET status = 'UNRESOLVED', last_update = $1 WHERE id = 3", now())
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await until(lambda: _are(client, [("orders_failed", "warning", 2)]))


async def _are(client: Any, expected: list[tuple[str, str, int]]) -> bool:
    return await lines(client) == expected


async def test_stop_orders_without_a_session(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """They are the bot's by their position, though that is closed."""
    closed = await hold(connection, bot, status="CLOSED")
    await guard(connection, None, closed, "FILLED")
    await hold(connection, bot)
    assert await lines(client) == [("no_live_stop", "critical", 1)]


async def test_stop_orders_of_another_bot(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    paper = await insert(connection, "trading_sessions", mode="PAPER")
    for owner in (paper, None):
        await guard(connection, owner, await hold(connection, paper, status="CLOSED"), "FILLED")
    await hold(connection, bot)
    assert await alerts(client, f"?bot={bot}") == []


@pytest.mark.parametrize(("equity", "severity"), [(8500, "warning"), (8000, "critical")], ids=["warns", "limit"])
async def test_a_drawdown_of_just_the_limit(
    client: Any, connection: asyncpg.Connection, bot: int, equity: int, severity: str
) -> None:
    await connection.execute("UPDATE trading_sessions SET strategy_config = '{\"max_drawdown\": 0.2}'")
    row = {"balance": equity, "equity": equity, "total_pnl": 1}
    await insert(connection, "account_history", session_id=bot, timestamp=now(), **row)
    (alert,) = await alerts(client)
    assert (alert["code"], alert["severity"]) == ("drawdown_limit", severity)
    assert alert["since"] is not None


async def test_errors_of_nobody_after_a_long_silence(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """After seven days without a sign of life a bot counts as ended, and what happens then is not its affair."""
    silent = await insert(connection, "trading_sessions", start_time=ago(days=30), strategy_name="b", symbol="X")
    await insert(connection, "account_history", session_id=silent, timestamp=ago(days=8))
    await insert(connection, "system_events", session_id=None, severity="error")
    assert [one["code"] for one in await alerts(client, f"?bot={bot}")] == ["errors"]
    assert [one["code"] for one in await alerts(client, f"?bot={silent}")] == ["another_live_bot"]
    assert (await get(client, f"/api/metrics?bot={silent}"))["error_count"] == 0


async def test_nobody_is_silent_in_another_zone(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """Times that cannot be read make no other bot silent, either."""
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE \"{name}\" SET timezone TO 'America/Phoenix'")
    other = await insert(connection, "trading_sessions", start_time=ago(days=2), strategy_name="b", symbol="ETHUSDT")
    await insert(connection, "account_history", session_id=other, timestamp=ago(hours=7))
    await hold(connection, other, last_update=ago(hours=7))
    await connection.execute(
        "UPDATE account_history SET timestamp = timestamp - interval '7 hours' WHERE session_id = $1", bot
    )

    async def holds() -> bool:
        found = [(one["code"], one["severity"]) for one in await alerts(client, f"?bot={bot}")]
        return found == [("time_zone", "warning"), ("another_live_bot", "info")]

    await until(holds)


async def test_the_drawdown_since_its_first_snapshot(client: Any, connection: asyncpg.Connection) -> None:
    """Of snapshots a minute, the first since which none was above."""
    session = await insert(connection, "trading_sessions", start_time=ago(days=3), strategy_config={"max_drawdown": 20})
    begin = ago(days=1).replace(minute=0, second=0, microsecond=0)
    values = [*[10_000] * 5, *[7900] * 20, 9000, 7900, 8600, *[7900] * 30]
    for minute, equity in enumerate(values):
        row = {"timestamp": begin + timedelta(minutes=minute), "balance": equity, "equity": equity, "total_pnl": 1}
        await insert(connection, "account_history", session_id=session, **row)
    await insert(connection, "account_history", session_id=session, timestamp=now(), equity=7990, total_pnl=1)
    found = {one["code"]: one["since"] for one in await alerts(client)}
    assert found["drawdown_limit"].startswith(f"{begin + timedelta(minutes=28):%Y-%m-%dT%H:%M:%S}")


async def test_many_markets_are_named_in_a_few_words(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """A phone shows the alert, and then the equity, on its first screen."""
    for number in range(25):
        await insert(connection, "positions", session_id=bot, symbol=f"M{number}USDT", stop_loss=None,
                     current_price=50_000, last_update=ago(hours=2), entry_time=ago(hours=3))  # fmt: skip
    texts = {one["code"]: one["text"] for one in await alerts(client)}
    for code, what in (("no_live_stop", "no live stop"), ("price_old", "an old price")):
        assert re.fullmatch(rf"25 positions have {what}: M\d+USDT, M\d+USDT, M\d+USDT and 22 more", texts[code])
    equity = await (await client.get("/partials/equity")).get_data(as_text=True)
    assert equity.count("the price of ") <= 3
    assert " and 22 more" in equity


@pytest.mark.parametrize("code", make_environment().get_template("partials/_alerts.html").module.PLACES)
async def test_an_alert_leads_to_a_place_that_is_there(client: Any, bot: int, code: str) -> None:
    path, anchor, _ = make_environment().get_template("partials/_alerts.html").module.PLACES[code]
    assert f'id="{anchor}"' in await (await client.get(path)).get_data(as_text=True)
