"""What is wrong now: each alert begins and ends with its rows, and says since when and of how many."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from quart import Quart

from tests.rows import ago, insert, now
from tests.waiting import until
from tests.web.alerting import alerts, configured, guard, healthy_bot, hold, lines
from tests.web.calls import get


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    return await healthy_bot(connection)


async def test_a_healthy_bot_has_none(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    await guard(connection, bot, await hold(connection, bot), "OPEN")
    assert await alerts(client) == []


async def test_no_session_no_alert(client: Any) -> None:
    assert await alerts(client) == []


@pytest.mark.parametrize("finished", ["FILLED", "CONFIRMED", "CANCELLED", "FAILED", "EXPIRED"])
async def test_no_live_stop(client: Any, connection: asyncpg.Connection, bot: int, finished: str) -> None:
    position = await hold(connection, bot, entry_time=ago(hours=5))
    await guard(connection, bot, position, finished)
    expected = [("no_live_stop", "critical", 1)]
    found = [line for line in await lines(client) if line[0] != "orders_failed"]
    assert found == expected
    await guard(connection, bot, position, "SUBMITTED")
    assert "no_live_stop" not in [code for code, *_ in await lines(client)]


@pytest.mark.parametrize("stop", [None, 0, float("nan")])
async def test_no_stop_price(client: Any, connection: asyncpg.Connection, bot: int, stop: float | None) -> None:
    entered = ago(hours=2)
    await hold(connection, bot, stop_loss=stop, entry_time=entered, symbol="B")
    (alert,) = await alerts(client)
    assert (alert["code"], alert["severity"]) == ("no_live_stop", "critical")
    assert alert["since"].startswith(f"{entered:%Y-%m-%dT%H:%M:%S}")
    assert "B" in alert["text"]


async def test_a_new_position_may_wait_for_its_stop(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    await hold(connection, bot, stop_loss=None, entry_time=ago(seconds=5))
    assert await alerts(client) == []


async def test_a_bot_without_stop_orders(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    await hold(connection, bot)
    assert await alerts(client) == []


async def test_stop_orders_of_other_positions(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """The bot places stop orders, so a position without one is unprotected."""
    closed = await hold(connection, bot, status="CLOSED")
    await guard(connection, bot, closed, "FILLED")
    await hold(connection, bot)
    assert await lines(client) == [("no_live_stop", "critical", 1)]


async def test_paper_money_needs_no_stop(client: Any, connection: asyncpg.Connection) -> None:
    session = await insert(connection, "trading_sessions", mode="PAPER", start_time=ago(hours=1))
    await insert(connection, "account_history", session_id=session, timestamp=now())
    await hold(connection, session, stop_loss=None)
    assert await alerts(client) == []


async def test_prices_that_are_missing_or_old(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    for price in (None, 0, -1, float("nan")):
        await hold(connection, bot, current_price=price, symbol="A")
    await hold(connection, bot, last_update=ago(minutes=20), symbol="C")
    assert await lines(client) == [("price_old", "warning", 1), ("price_unknown", "warning", 4)]
    await connection.execute("UPDATE positions SET current_price = 100, last_update = $1", now())
    assert await alerts(client) == []


async def test_orphans(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    ended = await insert(
        connection, "trading_sessions", start_time=ago(days=9), end_time=ago(days=8), strategy_name="other"
    )
    await hold(connection, None, entry_time=ago(days=2))
    entered = ago(days=8, hours=1)
    await hold(connection, ended, entry_time=entered)
    (alert,) = await alerts(client)
    assert (alert["code"], alert["severity"], alert["count"]) == ("orphan_positions", "critical", 2)
    assert alert["since"].startswith(f"{entered:%Y-%m-%dT%H:%M:%S}")
    await connection.execute("UPDATE positions SET status = 'CLOSED'")
    assert await alerts(client) == []


async def test_failed_orders(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """They are counted by when they failed, however long ago they were placed."""
    for status in ("FAILED", "UNKNOWN", "UNRESOLVED", "CANCELLED"):
        placed, failed = ago(days=200), ago(minutes=5)
        await insert(connection, "orders", session_id=bot, status=status, created_at=placed, last_update=failed)
    assert await lines(client) == [("orders_failed", "warning", 3)]
    await connection.execute("UPDATE orders SET last_update = $1", ago(minutes=61))
    assert await alerts(client) == []


async def test_errors_a_line_a_code(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    for severity, code in (("error", "E1"), ("ERROR", "E1"), ("critical", "E2"), ("warning", "E3"), ("error", None)):
        await insert(connection, "system_events", session_id=bot, severity=severity, error_code=code)
    await insert(connection, "system_events", session_id=bot, severity="error", error_code="E4", timestamp=ago(hours=2))
    found = [(one["subject"], one["severity"], one["count"]) for one in await alerts(client)]
    assert found[0] == ("E2", "critical", 1)
    assert sorted(found[1:], key=str) == [("E1", "error", 2), (None, "error", 1)]


async def test_events_of_no_session(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """They belong to every bot that ran then."""
    backtest = await insert(connection, "trading_sessions", mode="BACKTEST")
    await insert(connection, "system_events", session_id=None, severity="error", error_code="START")
    assert await lines(client) == [("errors", "error", 1)]
    assert await lines(client, f"?bot={backtest}") == []


async def test_reconciliation_is_one_line(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    row = {"session_id": bot, "entity_type": "order", "field": "status", "reason": "look", "timestamp": now()}
    for severity in ("HIGH", "HIGH", "LOW"):
        await insert(connection, "reconciliation_audit_events", severity=severity, **row)
    assert await lines(client) == [("reconciliation", "warning", 2)]
    await insert(connection, "reconciliation_audit_events", severity="CRITICAL", **row)
    assert await lines(client) == [("reconciliation", "critical", 3)]


async def test_a_silent_engine(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    await connection.execute("UPDATE account_history SET timestamp = timestamp - interval '3 hours'")
    await until(lambda: _holds(client, [("engine_silent", "warning", 1)]))
    await hold(connection, bot, last_update=ago(hours=3))
    assert await lines(client) == [("engine_silent", "critical", 1)]
    await connection.execute("UPDATE trading_sessions SET end_time = $1", ago(minutes=1))
    assert await alerts(client) == []


async def _holds(client: Any, expected: list[tuple[str, str, int]]) -> bool:
    return await lines(client) == expected


async def test_halted_and_silent(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """A kill switch does not hide that the engine is dead."""
    pulled = ago(minutes=2)
    flag = {"name": "system_halt", "active": True, "reason": "by hand", "source": "ops", "updated_at": pulled}
    await insert(connection, "system_control_flags", **flag)
    (alert,) = await alerts(client)
    assert (alert["code"], alert["severity"]) == ("halted", "critical")
    assert alert["since"].startswith(f"{pulled:%Y-%m-%dT%H:%M:%S}")
    assert "by hand" in alert["text"]
    await connection.execute("UPDATE account_history SET timestamp = timestamp - interval '3 hours'")
    await until(lambda: _holds(client, [("engine_silent", "warning", 1), ("halted", "critical", 1)]))


async def test_close_only(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    breach = {"session_id": bot, "severity": "warning", "error_code": "MAX_DRAWDOWN_BREACH", "message": "20 %"}
    await insert(connection, "system_events", timestamp=ago(minutes=20), **breach)
    assert await lines(client) == [("close_only", "critical", 1)]
    cleared = {"session_id": bot, "severity": "info", "error_code": "MAX_DRAWDOWN_CLEARED"}
    await insert(connection, "system_events", **cleared)
    assert await alerts(client) == []


@pytest.mark.parametrize(
    ("equity", "severity"), [(8510, None), (8490, "warning"), (7990, "critical")], ids=["14.9", "15.1", "20.1"]
)
async def test_drawdown_limit(
    client: Any, connection: asyncpg.Connection, bot: int, equity: int, severity: str | None
) -> None:
    """A warning from three quarters of the limit on."""
    await connection.execute('UPDATE trading_sessions SET strategy_config = \'{"risk": {"max_drawdown": 0.2}}\'')
    await insert(
        connection, "account_history", session_id=bot, timestamp=now(), balance=equity, equity=equity, total_pnl=1
    )
    assert [one["severity"] for one in await alerts(client)] == ([severity] if severity else [])


async def test_the_list_of_bots_counts_by_the_bots_own_limit(client: Any, connection: asyncpg.Connection) -> None:
    session = await insert(connection, "trading_sessions", start_time=ago(days=3), strategy_config={"max_drawdown": 20})
    for minutes, equity in ((60, 1000), (0, 700)):
        await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=minutes), equity=equity)
    (bot,) = await get(client, "/api/bots")
    assert bot["alerts"] == len(await alerts(client)) > 0


async def test_since_when_the_drawdown_is_at_its_limit(client: Any, connection: asyncpg.Connection) -> None:
    session = await insert(connection, "trading_sessions", start_time=ago(days=3), strategy_config={"max_drawdown": 20})
    at = now()
    for hours, equity in ((60, 7000), (50, 9900), (30, 7900), (20, 7000), (0, 7990)):
        moment = at - timedelta(hours=hours)
        row = {"session_id": session, "timestamp": moment, "balance": equity, "equity": equity}
        await insert(connection, "account_history", total_pnl=1, **row)
    (alert,) = [one for one in await alerts(client) if one["code"] != "books"]
    assert alert["code"] == "drawdown_limit"
    assert alert["since"].startswith(f"{at - timedelta(hours=30):%Y-%m-%dT%H:%M}")


async def test_another_live_bot(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    other = await insert(connection, "trading_sessions", start_time=ago(days=2), strategy_name="b", symbol="ETHUSDT")
    await insert(connection, "account_history", session_id=other, timestamp=now())
    (alert,) = await alerts(client, f"?bot={bot}")
    assert (alert["code"], alert["severity"], alert["subject"]) == ("another_live_bot", "info", str(other))
    await connection.execute(
        "UPDATE account_history SET timestamp = timestamp - interval '9 hours' WHERE session_id = $1", other
    )
    silent = f"bot {other} is LIVE too and gives no sign of life"
    await until(lambda: _is(client, f"?bot={bot}", "info", silent))
    await hold(connection, other, last_update=ago(hours=9))
    await until(lambda: _is(client, f"?bot={bot}", "critical", f"{silent} while 1 position is open"))
    await connection.execute("UPDATE positions SET status = 'CLOSED'")
    await connection.execute("UPDATE trading_sessions SET end_time = $1 WHERE id = $2", now(), other)
    assert await alerts(client, f"?bot={bot}") == []


async def _is(client: Any, query: str, severity: str, text: str) -> bool:
    return [(one["severity"], one["text"]) for one in await alerts(client, query)] == [(severity, text)]


async def test_local_time_instead_of_utc(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    """Its times cannot be read, so nothing is called silent."""
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE \"{name}\" SET timezone TO 'America/Phoenix'")
    await connection.execute("UPDATE account_history SET timestamp = timestamp - interval '7 hours'")
    await until(lambda: _holds(client, [("time_zone", "warning", 1)]))
    await connection.execute("UPDATE account_history SET timestamp = timestamp + interval '7 hours'")
    await until(lambda: _holds(client, []))


async def test_the_list_of_bots_counts_them(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    ended = await insert(connection, "trading_sessions", mode="PAPER", start_time=ago(days=9), end_time=ago(days=8))
    await insert(connection, "system_events", session_id=bot, severity="error", error_code="E1")
    await insert(connection, "orders", session_id=bot, status="FAILED", created_at=now())
    assert {one["id"]: one["alerts"] for one in await get(client, "/api/bots")} == {bot: 2, ended: 0}


async def test_a_session_has_the_alerts_of_its_bot(client: Any, connection: asyncpg.Connection, bot: int) -> None:
    await insert(connection, "system_events", session_id=None, severity="error")
    assert await lines(client, f"?session={bot}") == [("errors", "error", 1)]


class TestMuted:
    """The operator's file moves lines to the end."""

    @pytest.fixture
    def environ(self, environ: dict[str, str], tmp_path: Any) -> dict[str, str]:
        return configured(environ, tmp_path, '[alerts]\nmute = ["errors:E1", "orders_failed"]\nmax_drawdown = 5\n')

    async def test_muted_lines_come_last(self, client: Any, connection: asyncpg.Connection, bot: int) -> None:
        for code, severity in (("E1", "critical"), ("E2", "error")):
            await insert(connection, "system_events", session_id=bot, severity=severity, error_code=code)
        await insert(connection, "orders", session_id=bot, status="FAILED", created_at=now())
        found = [(one["code"], one["subject"], one["muted"]) for one in await alerts(client)]
        assert found == [("errors", "E2", False), ("errors", "E1", True), ("orders_failed", None, True)]

    async def test_own_drawdown_limit(self, client: Any, connection: asyncpg.Connection, bot: int) -> None:
        row = {"session_id": bot, "timestamp": now(), "balance": 9000, "equity": 9000}
        await insert(connection, "account_history", total_pnl=1, **row)
        assert await lines(client) == [("drawdown_limit", "critical", 1)]


async def test_the_page_shows_them(client: Any, connection: asyncpg.Connection, bot: int, app: Quart) -> None:
    await insert(connection, "system_events", session_id=bot, severity="critical", error_code="<E9>")
    html = await (await client.get("/")).get_data(as_text=True)
    assert "1 error in the last hour: &lt;E9&gt;" in html
