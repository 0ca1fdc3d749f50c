"""Deposits and withdrawals found among the bookings and events that the engine and the dashboard write."""

from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.capabilities import Capabilities
from monitoring.database.source import Source
from tests.projections.reading import Follower, follower_of, refreshed
from tests.projections.test_figures import snapshot
from tests.rows import ago, insert


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    number = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=5))
    await booking(connection, number, ago(days=5), 1000, "session_start")
    return number


async def booking(connection: asyncpg.Connection, session: int, at: datetime, balance: float, reason: str) -> int:
    return await insert(connection, "account_balances", session_id=session, last_updated=at, total_balance=balance,
                        update_reason=reason)  # fmt: skip


async def read(connection: asyncpg.Connection, session: int) -> Follower:
    return await refreshed(connection, await follower_of(connection, session, SYSTEM_CLOCK))


async def amounts(connection: asyncpg.Connection, session: int) -> list[Decimal]:
    return [flow.amount for flow in (await read(connection, session)).flows]


@pytest.mark.parametrize(
    ("reason", "is_flow"),
    [
        ("Manual adjustment: paid in", True),
        ("manual adjustment", True),
        ("a Manual adjustment", False),
        ("Exchange_DEPOSIT", True),
        ("withdrawal to bank", True),
        ("account_sync", True),
        ("reconciliation_balance_correction", True),
        ("exchange_sync_correction", True),
        ("trade_exit", False),
        ("fee_sync", False),
        ("partial_exit_pnl", False),
        (None, False),
    ],
)
async def test_reasons(connection: asyncpg.Connection, session: int, reason: str, is_flow: bool) -> None:
    await booking(connection, session, ago(days=1), 1500, reason)
    assert await amounts(connection, session) == ([Decimal(500)] if is_flow else [])


async def test_the_amount_is_the_difference_to_the_last_known_booking(
    connection: asyncpg.Connection, session: int
) -> None:
    await booking(connection, session, ago(hours=3), Decimal("NaN"), "trade_exit")
    await booking(connection, session, ago(hours=2), 1700, "deposit")
    await booking(connection, session, ago(hours=1), Decimal("NaN"), "deposit")
    assert await amounts(connection, session) == [Decimal(700)]


async def test_events_are_no_flows(connection: asyncpg.Connection, session: int) -> None:
    await insert(connection, "system_events", session_id=session, event_type="BALANCE_ADJUSTMENT", message="adjusted",
                 details={"old_balance": 1000, "new_balance": 1250.5})  # fmt: skip
    assert await amounts(connection, session) == []


async def test_a_row_that_comes_late_changes_the_amounts_after_it(connection: asyncpg.Connection, session: int) -> None:
    await booking(connection, session, ago(hours=1), 1500, "deposit")
    follower = await read(connection, session)
    assert [flow.amount for flow in follower.flows] == [500]
    await booking(connection, session, ago(hours=2), 1100, "trade_exit")
    assert [flow.amount for flow in (await refreshed(connection, follower)).flows] == [400]


async def test_amounts_are_mended_after_a_query_failed(
    connection: asyncpg.Connection, database_url: str, session: int
) -> None:
    """Nothing else would ever read them again."""
    await booking(connection, session, ago(hours=1), 1500, "deposit")
    follower = await read(connection, session)
    await booking(connection, session, ago(hours=2), 1100, "trade_exit")
    await follower.poll(connection)
    lost = await asyncpg.connect(database_url)
    await lost.close()
    with pytest.raises(asyncpg.InterfaceError):
        await follower.projections.flows.states[session].settle(Source(lost, Capabilities()), session)
    assert [flow.amount for flow in (await refreshed(connection, follower)).flows] == [400]


async def test_a_deposit_that_comes_while_amounts_are_mended(connection: asyncpg.Connection, session: int) -> None:
    """It is committed behind the query's back, and taken in before the answer is."""
    await booking(connection, session, ago(hours=1), 1500, "deposit")
    follower = await read(connection, session)
    await booking(connection, session, ago(hours=2), 1100, "trade_exit")
    state = follower.projections.flows.states[session]
    await follower.poll(connection)

    class Meanwhile:
        """A connection on whose way back something else happens, once."""

        async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            if len(rows) == 1:
                await booking(connection, session, ago(minutes=1), 1700, "deposit")
                await follower.poll(connection)
            return rows

    await state.settle(Source(Meanwhile(), Capabilities()), session)  # type: ignore[arg-type]
    assert [flow.amount for flow in state.in_order()] == [400, 200]


async def test_several_on_one_day(connection: asyncpg.Connection, session: int) -> None:
    """In and out within minutes of each other, some between two snapshots: nothing was earned."""
    start = ago(hours=10)
    await insert(connection, "account_history", **snapshot(session, start, 1000.0))
    balance = 1000.0
    for number, amount in enumerate((500.0, 1000.0, -900.0, 250.0)):
        balance += amount
        at = start + timedelta(minutes=10 * number + 5)
        await booking(connection, session, at, balance, "deposit" if amount > 0 else "withdrawal")
        if number % 2:
            await insert(connection, "account_history", **snapshot(session, at + timedelta(minutes=1), balance))
    follower = await read(connection, session)
    daily, drawdown = follower.history.daily(), follower.history.drawdown()
    assert daily is not None
    assert drawdown is not None
    assert daily.index == pytest.approx([1000.0] * len(daily.index))
    assert drawdown.maximum == pytest.approx(0)


async def test_everything_withdrawn_and_begun_again(connection: asyncpg.Connection, session: int) -> None:
    for hours, equity in ((9, 1000.0), (5, 0.0), (2, 400.0), (1, 440.0)):
        await insert(connection, "account_history", **snapshot(session, ago(hours=hours), equity))
    await booking(connection, session, ago(hours=6), 0, "withdrawal")
    await booking(connection, session, ago(hours=3), 400, "deposit")
    follower = await read(connection, session)
    drawdown = follower.history.drawdown()
    assert drawdown is not None
    assert (drawdown.current, drawdown.maximum) == (pytest.approx(0), pytest.approx(0))
    daily = follower.history.daily()
    assert daily is not None
    assert daily.index[-1] == pytest.approx(1100)


async def test_a_deposit_before_any_snapshot_is_not_earned(connection: asyncpg.Connection, session: int) -> None:
    await booking(connection, session, ago(hours=9), 3000, "deposit")
    await insert(connection, "account_history", **snapshot(session, ago(hours=8), 3000.0))
    daily = (await read(connection, session)).history.daily()
    assert daily is not None
    assert daily.index == pytest.approx([1000])


async def test_flows_of_other_sessions_are_theirs(connection: asyncpg.Connection, session: int) -> None:
    other = await insert(connection, "trading_sessions", mode="PAPER")
    follower = await read(connection, session)
    await booking(connection, other, ago(hours=2), 1000, "session_start")
    await booking(connection, other, ago(hours=1), 5000, "deposit")
    assert (await refreshed(connection, follower)).flows == ()


async def test_a_first_booking_moves_the_initial_balance(connection: asyncpg.Connection, session: int) -> None:
    """Nobody booked the start of the session, which held 1,000."""
    other = await insert(connection, "trading_sessions", mode="LIVE", initial_balance=1000, start_time=ago(days=1))
    await booking(connection, other, ago(hours=1), 1500, "deposit")
    assert [flow.amount for flow in (await read(connection, other)).flows] == [500]


async def test_a_corrected_initial_balance_corrects_a_deposit(connection: asyncpg.Connection) -> None:
    session = await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(days=5))
    await booking(connection, session, ago(days=1), 1500, "deposit")
    follower = await read(connection, session)
    assert [flow.amount for flow in follower.flows] == [500]
    await connection.execute("UPDATE trading_sessions SET initial_balance = 1200")
    assert [flow.amount for flow in (await refreshed(connection, follower)).flows] == [300]
