"""Exposure over time: what the engine wrote with each snapshot, as a share of the equity of then."""

from typing import Any

import asyncpg

from tests.rows import ago, insert
from tests.words import stamped, words

NARROW = "\u202f"


async def snapshot(connection: asyncpg.Connection, session: int, hours: int, exposure: object, **more: object) -> None:
    await insert(connection, "account_history", **{"session_id": session, "timestamp": ago(hours=hours), "total_pnl": 1,
                 "balance": 10_000, "equity": 8_000, "total_exposure": exposure, **more})  # fmt: skip


async def account(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", initial_balance=10_000, start_time=ago(days=2))


async def test_each_snapshot_is_a_share_of_its_equity(connection: asyncpg.Connection, client: Any) -> None:
    session = await account(connection)
    for hours, exposure in ((3, 2_000), (2, 6_000), (1, 0), (0, 1_000)):
        await snapshot(connection, session, hours, exposure)
    shown, highest = await words(client, "exposure"), ago(hours=2)
    assert f"{stamped(highest)} 75.0{NARROW}%" in shown
    assert f"0.0{NARROW}%" in shown
    assert f"12.5{NARROW}%" in shown


async def test_a_booking_is_no_exposure_of_zero(connection: asyncpg.Connection, client: Any) -> None:
    """It is written with the entry, while a position is open."""
    session = await account(connection)
    for hours in (2, 0):
        await snapshot(connection, session, hours, 4_000)
    at = ago(hours=1)
    await insert(connection, "account_balances", session_id=session, total_balance=9_990, last_updated=at,
                 update_reason="entry_fee_BTCUSDT")  # fmt: skip
    await snapshot(connection, session, 1, 0, timestamp=at, balance=9_990, equity=9_990, total_pnl=0, daily_pnl=-10,
                   drawdown=0, margin_used=0, margin_available=9_990, open_positions=0)  # fmt: skip
    shown = await words(client, "exposure")
    assert f"50.0{NARROW}%" in shown
    assert f"0.0{NARROW}%" not in shown.replace("50.0", "")


async def test_unknown_exposure_is_a_gap(connection: asyncpg.Connection, client: Any) -> None:
    session = await account(connection)
    for hours, exposure in ((3, 4_000), (2, None), (1, "NaN"), (0, 4_000)):
        await snapshot(connection, session, hours, exposure)
    shown = await words(client, "exposure")
    assert shown.count("no data") == 2
    assert "nan" not in shown.lower()


async def test_without_a_snapshot_it_says_what_will_come(connection: asyncpg.Connection, client: Any) -> None:
    await account(connection)
    assert "The engine writes it with each snapshot of the account." in await words(client, "exposure")


async def test_an_older_database_has_no_exposure(connection: asyncpg.Connection, client: Any) -> None:
    session = await account(connection)
    await snapshot(connection, session, 0, 4_000)
    await connection.execute("ALTER TABLE account_history DROP COLUMN total_exposure")
    shown = await words(client, "exposure")
    assert "No data Not available: " in shown
    assert "total_exposure" in shown


async def test_the_highest_of_many_snapshots_keeps_its_time(connection: asyncpg.Connection, client: Any) -> None:
    """Equity is the same all day, so nothing but the exposure makes this one of 5,000 worth keeping."""
    session, highest = await account(connection), ago(hours=7)
    await connection.execute(
        """INSERT INTO account_history (session_id, timestamp, total_pnl, balance, equity, total_exposure)
        SELECT $1, $2::timestamp + number * interval '15 seconds', 1, 10000, 8000,
               CASE number WHEN 0 THEN 7000 ELSE 1000 END
        FROM generate_series(-3400, 1600) AS numbers (number)""",
        session,
        highest,
    )
    assert f"87.5{NARROW}%" in await words(client, "exposure")
    rows = (await (await client.get("/table/exposure.csv")).get_data(as_text=True)).splitlines()
    assert [row for row in rows if row.endswith("87.5")] == [f"{highest:%Y-%m-%dT%H:%M:%S+00:00},87.5"]
