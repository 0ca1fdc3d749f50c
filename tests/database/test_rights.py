"""A role that may read only: made as the documents say, and what is said where a right is missing."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.verify import verify
from tests.rows import insert, now
from tests.waiting import waiting

SQL = re.compile(r"```sql\n(CREATE ROLE dashboard.*?)```", re.DOTALL)
DOCUMENTED = SQL.findall(Path("docs/operations.md").read_text(encoding="utf-8"))[0]
ROLES = ("dashboard", "engine_role")


@pytest.fixture
async def engine(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """Connected as an administrator, who has the engine's own role."""
    await connection.execute("CREATE ROLE engine_role LOGIN; GRANT CREATE ON SCHEMA public TO engine_role")
    yield connection
    for role in ROLES:
        await connection.execute(f"RESET ROLE; DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


@pytest.fixture
async def reader_url(engine: asyncpg.Connection, database_url: str) -> str:
    """The address for the role that the documents make."""
    await engine.execute(DOCUMENTED)
    return database_url.replace("postgres@", "dashboard@")


@pytest.fixture
async def client(reader_url: str) -> AsyncIterator[Any]:
    app = create_app(load_settings({"DATABASE_URL": reader_url}))
    async with app.test_app():
        yield app.test_client()


async def test_the_documented_role_may_read_and_adjust(reader_url: str) -> None:
    report = await verify(reader_url)
    assert report.ok, report.text
    assert "Rights: reading, and writing balance adjustments" in report.text


async def test_it_may_read_tables_that_the_engine_makes_later(reader_url: str, engine: asyncpg.Connection) -> None:
    await engine.execute("""
        DROP TABLE system_control_flags;
        SET ROLE engine_role;
        CREATE TABLE system_control_flags (id serial PRIMARY KEY, name varchar(50) NOT NULL, active boolean NOT NULL,
            reason text, source varchar(100), created_at timestamp, updated_at timestamp);
        RESET ROLE;
    """)
    report = await verify(reader_url)
    assert report.ok, report.text


async def test_a_kill_switch_that_may_not_be_read_is_loud(
    reader_url: str, engine: asyncpg.Connection, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await insert(engine, "trading_sessions", start_time=now())
    await insert(engine, "system_control_flags", active=True)
    await engine.execute("REVOKE SELECT ON system_control_flags FROM dashboard")
    page = await (await client.get("/")).get_data(as_text=True)
    assert "A kill switch would go unseen" in page
    assert "The database role may not read the table system_control_flags" in page
    status = await (await client.get("/api/status")).get_json()
    assert status["halted"] is None
    assert status["reasons"]["halted"] == "the database role may not read the table system_control_flags"
    assert "a kill switch would go unseen, the database role may not read" in caplog.text
    assert caplog.text.count("read the table system_control_flags") == 1
    report = await verify(reader_url)
    assert not report.ok
    assert "Blind: a kill switch would go unseen" in report.text


async def test_a_database_without_flags_is_only_said(client: Any, engine: asyncpg.Connection) -> None:
    """Older engines have no kill switch."""
    await insert(engine, "trading_sessions", start_time=now())
    await engine.execute("DROP TABLE system_control_flags")
    assert "would go unseen" not in await (await client.get("/")).get_data(as_text=True)
    status = await (await client.get("/api/status")).get_json()
    assert status["reasons"]["halted"] == "this database has no table system_control_flags"


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ("REVOKE SELECT ON orders FROM dashboard", "/api/pending-orders", "may not read the table orders"),
        ("DROP TABLE orders CASCADE", "/api/pending-orders", "this database has no table orders"),
        (
            "REVOKE SELECT ON trades FROM dashboard; GRANT SELECT (id, session_id, exit_time) ON trades TO dashboard",
            "/api/trades",
            "may not read trades.pnl",
        ),
        ("REVOKE USAGE ON SCHEMA public FROM dashboard, PUBLIC", "/api/trades", "may not use the schema public"),
    ],
)
async def test_not_permitted_differs_from_missing(
    change: str, path: str, words: str, engine: asyncpg.Connection, client: Any
) -> None:
    await insert(engine, "trades", session_id=await insert(engine, "trading_sessions"))
    await client.get("/api/metrics")
    await engine.execute(change)
    response = await client.get(path)
    assert response.status_code == 404
    assert words in (await response.get_json())["error"]["message"]


async def test_a_role_that_may_read_some_columns_only(engine: asyncpg.Connection, reader_url: str) -> None:
    """Where only some columns of a table are granted, those are read; what a dashboard lacks is said by both."""
    session = await insert(engine, "trading_sessions")
    await insert(engine, "trades", session_id=session, pnl=50)
    await engine.execute(
        "REVOKE SELECT ON trades FROM dashboard;"
        " GRANT SELECT (id, session_id, symbol, side, entry_time, exit_time, pnl) ON trades TO dashboard"
    )
    report = await verify(reader_url)
    assert "may not read trades.entry_price" in report.text
    app = create_app(load_settings({"DATABASE_URL": reader_url}))
    async with app.test_app():
        client = app.test_client()

        async def made() -> float:
            metrics = await (await client.get("/api/metrics")).get_json()
            return float(metrics["total_pnl"])

        assert await made() == 50
        await engine.execute("UPDATE trades SET pnl = 60")
        async with waiting():
            while await made() != 60:
                pass


async def test_the_reason_of_a_figure_names_the_right(engine: asyncpg.Connection, client: Any) -> None:
    await insert(engine, "trading_sessions")
    await engine.execute("REVOKE SELECT ON trades FROM dashboard")
    metrics = await (await client.get("/api/metrics")).get_json()
    assert "the database role may not read the table trades" in metrics["reasons"]["total_pnl"]
