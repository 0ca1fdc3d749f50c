"""What ``atb db verify`` says of databases that are not as today's engine makes them, and when it warns."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from monitoring.database.pool import DatabaseUnavailable
from monitoring.postgres.embedded import EmbeddedServer
from monitoring.verify import verify
from tests.faults.replica import standby_of
from tests.history import seed_account
from tests.rows import insert, now
from tests.shapes import SHAPES, seed_everything, shape


@pytest.mark.parametrize("name", SHAPES)
async def test_odd_databases(name: str, database_url: str, connection: asyncpg.Connection) -> None:
    await seed_everything(connection)
    await shape(connection, name)
    report = await verify(database_url)
    assert report.ok is (name != "unreadable"), report.text
    expected = {
        "native enums": "positions.status (orderstatus)",
        "oldfloat": "account_balances.total_balance (float8)",
        "float": "trades.pnl (float8)",
        "timestamptz": "trades.exit_time (timestamptz)",
        "infinite": "trades.pnl (numeric)",
        "far times": "Newest row of trades: 9999-12-31 23:59:59 UTC – in the future: check the engine's clock",
        "no constraints": "Newest row of trading_sessions: 20",
        "unreadable": "trades.pnl has the type bytea, expected numeric(18,8)",
    }
    assert expected[name] in report.text


async def test_the_version_as_the_server_calls_itself(database_url: str, connection: asyncpg.Connection) -> None:
    version = (await connection.fetchval("SHOW server_version")).split()[0]
    assert f"PostgreSQL {version}," in (await verify(database_url)).text


async def test_an_older_engine_is_no_fault(database_url: str, connection: asyncpg.Connection) -> None:
    await connection.execute("DROP TABLE orders, system_control_flags; ALTER TABLE trades DROP margin_interest_cost")
    report = await verify(database_url)
    assert report.ok, report.text
    assert "Tables missing: orders, system_control_flags" in report.text
    assert "Columns missing (what needs them is unknown): trades.margin_interest_cost" in report.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP TABLE system_events", "Blind: Errors and warnings: this database has no table system_events"),
        ("DROP TABLE account_balances", "Blind: Worst drawdowns: this database has no table account_balances"),
        (
            "ALTER TABLE account_balances DROP update_reason",
            "Blind: Worst drawdowns: the table account_balances has no column",
        ),
        ("ALTER TABLE positions DROP status", "Blind: Open positions: the table positions has no column status"),
        ("ALTER TABLE trading_sessions DROP start_time", "the table trading_sessions has no column start_time"),
        ("CREATE SCHEMA other; ALTER TABLE trades SET SCHEMA other", "schema other, which is not on the role's"),
    ],
)
async def test_a_blind_section_is_named(
    change: str, words: str, database_url: str, connection: asyncpg.Connection
) -> None:
    await connection.execute(change)
    report = await verify(database_url)
    assert not report.ok
    assert words in report.text
    assert len(set(report.lines)) == len(report.lines), "a section of several pages is named once"


async def test_local_time_instead_of_utc(database_url: str, connection: asyncpg.Connection) -> None:
    """A role whose time zone is not UTC, and a row that is off by just that; one of the year 2099 hides it not."""
    session = await seed_account(connection)
    assert "Time zone:" not in (await verify(database_url)).text
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE \"{name}\" SET timezone TO 'Asia/Kolkata'")
    for at in (now() + timedelta(hours=5, minutes=30), datetime(2099, 1, 1)):
        await insert(connection, "strategy_executions", session_id=session, timestamp=at)
    assert (
        "Time zone: rows are stamped in the local time of the database's role, +5.5 h"
        in (await verify(database_url)).text
    )


async def test_no_writing_is_promised_on_a_standby(server: EmbeddedServer, database_url: str) -> None:
    async with standby_of(server) as standby:
        name = database_url.partition("?")[0].rpartition("/")[2]
        text = (await verify(standby.url(name))).text
    assert "Rights: reading only (a standby takes no balance adjustments)" in text


async def test_a_database_that_is_not_there(server: EmbeddedServer) -> None:
    with pytest.raises(DatabaseUnavailable, match="there is no such database"):
        await verify(server.url("nowhere"))
