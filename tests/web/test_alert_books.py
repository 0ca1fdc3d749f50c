"""The alert that the books do not agree: more than 0.1 % of the equity is unexplained, and was ten minutes ago."""

from datetime import datetime
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.web.alerting import alerts, lines

BOOKS = [("books", "warning", 1)]


@pytest.fixture
async def bot(connection: asyncpg.Connection) -> int:
    number = await insert(connection, "trading_sessions", initial_balance=10_000, start_time=ago(hours=6))
    await book(connection, number, 10_000, 360)
    return number


async def book(
    connection: asyncpg.Connection, bot: int, total: float, minutes: int, reason: str = "trade_exit"
) -> None:
    await insert(connection, "account_balances", session_id=bot, total_balance=total, last_updated=ago(minutes=minutes),
                 update_reason=reason, base_currency="USD")  # fmt: skip


async def snapshots(connection: asyncpg.Connection, bot: int, balance: float, *minutes: int) -> None:
    for number in minutes:
        await insert(connection, "account_history", session_id=bot, timestamp=ago(minutes=number), balance=balance,
                     equity=balance, total_pnl=1)  # fmt: skip


@pytest.mark.parametrize(("balance", "found"), [(9_989.9, BOOKS), (9_990.1, []), (10_011, BOOKS)])
async def test_more_than_a_thousandth_is_unexplained(
    connection: asyncpg.Connection, client: Any, bot: int, balance: float, found: list[Any]
) -> None:
    await snapshots(connection, bot, 10_000, *range(40, 300, 10))
    await snapshots(connection, bot, balance, 0, 10, 20, 30)
    assert await lines(client) == found
    since = [datetime.fromisoformat(alert["since"]).replace(tzinfo=None) for alert in await alerts(client)]
    assert all(ago(minutes=31) < at < ago(minutes=29) for at in since)


async def test_rows_that_are_still_being_written_are_waited_for(
    connection: asyncpg.Connection, client: Any, bot: int
) -> None:
    """The balance fell a few minutes ago, and its trade is not written yet."""
    await snapshots(connection, bot, 10_000, *range(10, 300, 10))
    await snapshots(connection, bot, 9_900, 0, 4)
    assert await lines(client) == []


async def test_a_trade_closed_just_now_explains_nothing_of_before(
    connection: asyncpg.Connection, client: Any, bot: int
) -> None:
    """Fifty have been missing for half an hour; a trade that gains a hundred does not make that newer."""
    await snapshots(connection, bot, 10_000, *range(40, 300, 10))
    await snapshots(connection, bot, 9_950, 10, 20, 30)
    position = await insert(connection, "positions", session_id=bot, status="CLOSED", entry_time=ago(hours=1))
    await insert(connection, "orders", session_id=bot, position_id=position, order_type="ENTRY", status="FILLED",
                 commission=0, created_at=ago(hours=1))  # fmt: skip
    await insert(connection, "trades", session_id=bot, position_id=position, pnl=100, commission=0,
                 entry_time=ago(hours=1), exit_time=ago(minutes=2))  # fmt: skip
    await book(connection, bot, 10_050, 2)
    (alert,) = await alerts(client)
    assert alert["code"] == "books"
    assert "+50.00" in alert["text"]
    assert ago(minutes=31) < datetime.fromisoformat(alert["since"]).replace(tzinfo=None) < ago(minutes=29)


async def test_fees_of_an_open_position_are_explained_since_its_entry(
    connection: asyncpg.Connection, client: Any, bot: int
) -> None:
    await snapshots(connection, bot, 10_000, *range(120, 300, 10))
    await snapshots(connection, bot, 9_980, *range(0, 120, 10))
    position = await insert(connection, "positions", session_id=bot, entry_time=ago(minutes=115), stop_loss=1,
                            last_update=ago(seconds=5), current_price=50_000)  # fmt: skip
    await insert(connection, "orders", session_id=bot, position_id=position, order_type="ENTRY", status="FILLED",
                 commission=20, created_at=ago(minutes=115))  # fmt: skip
    assert [line for line in await lines(client) if line[0] == "books"] == []


async def since(client: Any) -> float:
    """How many minutes ago the books began to disagree."""
    (alert,) = [one for one in await alerts(client) if one["code"] == "books"]
    return (ago() - datetime.fromisoformat(alert["since"]).replace(tzinfo=None)).total_seconds() / 60


async def test_a_booking_that_nothing_explains_needs_no_snapshot(
    connection: asyncpg.Connection, client: Any, bot: int
) -> None:
    """The engine writes snapshots every half an hour, and prices every minute: none shows yet since when."""
    await snapshots(connection, bot, 10_000, *range(25, 300, 30))
    await book(connection, bot, 9_900, 12)
    await insert(connection, "positions", session_id=bot, entry_time=ago(hours=1), quantity=0.1, stop_loss=1,
                 last_update=ago(seconds=5), current_price=50_000)  # fmt: skip
    assert [one["since"] for one in await alerts(client) if one["code"] == "books"] == [None]


async def test_a_deposit_that_shows_late_was_not_missing_before(
    connection: asyncpg.Connection, client: Any, bot: int
) -> None:
    """Booked four hours ago, in the balance for an hour; fifty have been missing for ninety minutes."""
    await snapshots(connection, bot, 10_000, *range(95, 300, 10))
    await book(connection, bot, 13_000, 240, "deposit")
    await snapshots(connection, bot, 9_950, 70, 80, 90)
    await snapshots(connection, bot, 12_950, *range(0, 65, 10))
    assert await since(client) == pytest.approx(90, abs=0.2)


async def test_partial_exits_count_until_their_position_is_closed(
    connection: asyncpg.Connection, client: Any, bot: int
) -> None:
    """Two thirds of what a position made were taken three hours ago; since a hundred minutes fifty are missing."""
    await snapshots(connection, bot, 10_000, *range(185, 300, 10))
    await snapshots(connection, bot, 10_200, *range(110, 180, 10))
    await snapshots(connection, bot, 10_150, 70, 80, 90, 100)
    await snapshots(connection, bot, 10_250, *range(0, 65, 10))
    position = await insert(connection, "positions", session_id=bot, status="CLOSED", entry_time=ago(hours=4))
    await insert(connection, "partial_trades", position_id=position, pnl=200, timestamp=ago(minutes=182))
    await insert(connection, "trades", session_id=bot, position_id=position, pnl=300, commission=0,
                 entry_time=ago(hours=4), exit_time=ago(minutes=62))  # fmt: skip
    assert await since(client) == pytest.approx(100, abs=0.2)
