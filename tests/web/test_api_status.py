"""Is the bot alive, is the dashboard – with a database, without a session, and with the server gone."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.postgres.embedded import EmbeddedServer
from monitoring.services import KEY, Services
from monitoring.web.api.status import memory_in_use
from tests.history import seed_account
from tests.rows import ago, insert


async def get(client: Any, path: str, status: int = 200) -> Any:
    response = await client.get(path)
    assert response.status_code == status, await response.get_data(as_text=True)
    return await response.get_json()


async def test_online(client: Any, connection: asyncpg.Connection) -> None:
    await seed_account(connection)
    answer = await get(client, "/api/status")
    assert (answer["status"], answer["mode"], answer["halted"]) == ("Online", "LIVE", False)
    assert (answer["database"], answer["error_count"]) == ("connected", 0)
    assert answer["last_update"].endswith("+00:00")
    assert answer["uptime_seconds"] == pytest.approx(30 * 86400, abs=60)
    assert (answer["state"], answer["since"], answer["by"]) == ("Online", None, None)
    assert answer["reasons"]["status"].startswith("sign of life within the last ")


async def test_halted(client: Any, connection: asyncpg.Connection) -> None:
    await seed_account(connection)
    pulled = ago(minutes=10)
    await insert(connection, "system_control_flags", name="system_halt", active=True, reason="by hand",
                 source="operator", created_at=ago(days=5), updated_at=pulled)  # fmt: skip
    answer = await get(client, "/api/status")
    assert (answer["state"], answer["status"], answer["halted"]) == ("Halted", "Error", True)
    assert (answer["since"], answer["by"]) == (f"{pulled.isoformat()}+00:00", "operator")
    assert "by hand" in answer["reasons"]["status"]


async def test_a_session_that_has_just_begun(client: Any, connection: asyncpg.Connection) -> None:
    began = ago(minutes=2)
    await insert(connection, "trading_sessions", start_time=began)
    answer = await get(client, "/api/status")
    assert (answer["state"], answer["status"]) == ("Starting", "Online")
    assert answer["since"] == answer["last_update"] == f"{began.isoformat()}+00:00"


async def test_offline(client: Any, connection: asyncpg.Connection) -> None:
    began = ago(hours=3)
    await insert(connection, "trading_sessions", start_time=began)
    answer = await get(client, "/api/status")
    assert (answer["state"], answer["status"]) == ("Offline", "Offline")
    assert answer["last_update"] == f"{began.isoformat()}+00:00"
    assert answer["reasons"] == {
        "status": f"no sign of life since {began:%Y-%m-%d %H:%M} UTC, expected every 1 h 15 min"
    }


async def test_no_session(client: Any) -> None:
    answer = await get(client, "/api/status")
    assert (answer["status"], answer["mode"], answer["uptime_seconds"]) == ("Offline", None, None)
    assert answer["reasons"]["status"] == "no trading session yet"


async def test_system_status(client: Any, connection: asyncpg.Connection) -> None:
    session = await seed_account(connection)
    await insert(connection, "system_events", session_id=session, event_type="ERROR", severity="error")
    answer = await get(client, "/api/system/status")
    newest = (await get(client, "/api/trades?limit=1"))[0]
    assert 0 < answer.pop("memory_usage") < 100
    assert answer.pop("uptime") == pytest.approx(30 * 86400, abs=60)
    assert answer == {
        "database_connected": True,
        "api_status": None,
        "last_trade": newest["exit_time"],
        "error_rate": 50,
    }


async def test_system_status_without_trades(client: Any, connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions")
    assert (await get(client, "/api/system/status"))["last_trade"] is None


def test_memory_that_nobody_tells(tmp_path: Path) -> None:
    assert memory_in_use(tmp_path / "meminfo") is None
    strange = tmp_path / "strange"
    strange.write_text("MemTotal: 0 kB\nMemAvailable: 0 kB\n")
    assert memory_in_use(strange) is None
    strange.write_text("MemTotal: 100 kB\nMemAvailable: 25 kB\n")
    assert memory_in_use(strange) == 75


async def until_ready(client: Any) -> Any:
    while (response := await client.get("/ready")).status_code != 200:
        pass
    return await response.get_json()


async def test_ready(client: Any, app: Quart) -> None:
    answer = await until_ready(client)
    assert (answer["ready"], answer["database"], answer["histories"]) == (True, "connected", {})
    assert answer["feed"]["mode"] == "primary"
    assert answer["feed"]["lag"] < 15
    parts: Services = app.extensions[KEY]
    assert answer["tasks"] == {name: {"running": True, "failures": 0} for name in parts.tasks.states}


async def test_not_ready_while_a_task_is_down(client: Any, app: Quart) -> None:
    await until_ready(client)
    parts: Services = app.extensions[KEY]
    next(iter(parts.tasks.states.values())).running = False
    answer = await get(client, "/ready", 503)
    assert (answer["ready"], answer["reasons"]) == (False, ["the task feed does not run"])


async def test_without_the_database(client: Any, connection: asyncpg.Connection, server: EmbeddedServer) -> None:
    await seed_account(connection)
    await until_ready(client)
    await get(client, "/api/metrics")
    await connection.close()
    server.stop_database()
    try:
        assert await get(client, "/health") == {"status": "ok"}
        readiness = await get(client, "/ready", 503)
        assert (readiness["ready"], readiness["database"]) == (False, "unavailable")
        answer = await get(client, "/api/status")
        assert (answer["status"], answer["database"]) == ("Error", "unavailable")
        assert answer["reasons"]["status"] == "the database cannot be read"
        assert (await get(client, "/api/system/status"))["database_connected"] is False
        for path in ("/api/metrics", "/api/trades", "/api/balance", "/api/positions/1/orders", "/api/dashboard/state"):
            fault = (await get(client, path, 503))["error"]
            assert fault == {
                "code": "database_unavailable",
                "message": "The database cannot be read at the moment.",
            }
    finally:
        server.start_database()
    assert (await until_ready(client))["database"] == "connected"
    assert (await get(client, "/api/status"))["database"] == "connected"
