"""Realised by day: each day's net P&L, three sums, and what is unknown said so."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from monitoring.projections.times import midnight
from tests.rows import ago, insert, now
from tests.words import words


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    """A session that began three years ago."""
    return await insert(connection, "trading_sessions", start_time=ago(days=1000))


async def closed(connection: asyncpg.Connection, session: int, days: int, pnl: float | str, **more: object) -> None:
    """A trade closed so many days before noon of this UTC day; of today a second ago."""
    at = ago(seconds=1) if not days else midnight(now()) + timedelta(hours=12) - timedelta(days=days)
    await insert(connection, "trades", session_id=session, pnl=pnl, exit_time=at, entry_time=at - timedelta(hours=1),
                 **more)  # fmt: skip


async def test_each_day_is_a_bar_net_of_costs(connection: asyncpg.Connection, client: Any, session: int) -> None:
    await closed(connection, session, 2, 120, commission=5, margin_interest_cost=1)
    await closed(connection, session, 2, -20)
    await closed(connection, session, 0, -50, commission=1)
    shown = await words(client, "realised")
    day, today = now() - timedelta(days=2), now()
    assert "Realised today −51.00 7 days +43.00 Ever +43.00" in shown
    assert f"{day:%a} {day.day} {day:%b} +94.00 2 trades" in shown
    assert f"{today:%a} {today.day} {today:%b} −51.00 1 trade" in shown
    yesterday = now() - timedelta(days=1)
    assert f"{yesterday:%a} {yesterday.day} {yesterday:%b} 0.00 0 trades" in shown


async def test_a_day_with_an_unknown_trade_has_no_bar(
    connection: asyncpg.Connection, client: Any, session: int
) -> None:
    await closed(connection, session, 1, 30)
    await closed(connection, session, 0, "NaN")
    shown = await words(client, "realised")
    assert "P&L unknown 1 trade" in shown
    assert "1 of 2: +30.00" in shown
    assert "NaN" not in shown


async def test_long_histories_are_summed_by_week_and_month(
    connection: asyncpg.Connection, client: Any, session: int
) -> None:
    await closed(connection, session, 200, 30)
    await closed(connection, session, 0, 10)
    assert (await words(client, "realised", range="all")).startswith("Realised by week")
    assert (await words(client, "realised", range="30d")).startswith("Realised by day")
    await closed(connection, session, 900, 5)
    assert (await words(client, "realised", range="all")).startswith("Realised by month")


async def test_a_short_range_still_shows_a_week(connection: asyncpg.Connection, client: Any, session: int) -> None:
    for days in range(20):
        await closed(connection, session, days, 1)
    shown = await words(client, "realised", range="24h")
    assert shown.count("1 trade") == 8


async def test_before_the_first_trade_it_says_what_comes(client: Any, session: int) -> None:
    assert session
    assert "No trade closed yet Each day with a closed trade becomes a bar." in await words(client, "realised")


async def test_a_small_result_never_reads_zero(connection: asyncpg.Connection, client: Any, session: int) -> None:
    await closed(connection, session, 0, 0.0031)
    shown = await words(client, "realised")
    assert "+0.003" in shown
