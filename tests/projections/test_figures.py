"""Figures of the projections, fed and read anew, on rows made to fool a naive reader."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from monitoring.projections.equity_curve import EquityCurve
from monitoring.projections.times import EPOCH
from monitoring.projections.trade_filter import TradeFilter
from monitoring.projections.trades import ScopeTrades
from tests.clocks import AN_AFTERNOON, ManualClock, standing_at
from tests.projections.reading import follower_of, refreshed
from tests.rows import book, insert

CLOCK = standing_at(AN_AFTERNOON)


def snapshot(session: int, at: datetime, equity: float, **more: Any) -> dict[str, Any]:
    return {"session_id": session, "timestamp": at, "balance": equity, "equity": equity, "total_pnl": 1, **more}


async def test_net_profit_takes_costs_off(connection: asyncpg.Connection, session: int) -> None:
    now = AN_AFTERNOON
    await insert(connection, "trades", session_id=session, pnl=10, commission=4, margin_interest_cost=1, exit_time=now)
    await insert(connection, "trades", session_id=session, pnl=2, commission=3, exit_time=now)
    await insert(connection, "trades", session_id=session, pnl=5, commission=None, exit_time=now)
    sums = (await refreshed(connection, await follower_of(connection, session, CLOCK))).trades.sums(now)
    assert sums is not None
    assert (sums.total, sums.wins, sums.losses) == (3, 2, 1)
    assert (sums.net, sums.gross, sums.fees, sums.interest) == (Decimal(9), Decimal(17), Decimal(7), Decimal(1))
    assert sums.outcomes == "WLW"


async def test_nan_profit_is_counted_but_in_no_sum(connection: asyncpg.Connection, session: int) -> None:
    now = AN_AFTERNOON
    await insert(connection, "trades", session_id=session, pnl=Decimal("NaN"), exit_time=now)
    await insert(connection, "trades", session_id=session, pnl=7, commission=0, exit_time=now)
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    await insert(connection, "trades", session_id=session, pnl=Decimal("NaN"), exit_time=now)
    sums = (await refreshed(connection, follower)).trades.sums(now)
    assert sums is not None
    assert (sums.total, sums.unknown, sums.net) == (3, 2, Decimal(7))


async def test_sessions_never_mix(connection: asyncpg.Connection, session: int) -> None:
    paper = await insert(connection, "trading_sessions", mode="PAPER", start_time=AN_AFTERNOON)
    await insert(connection, "trades", session_id=session, pnl=10, exit_time=AN_AFTERNOON)
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    for _ in range(3):
        await insert(connection, "trades", session_id=paper, pnl=-99, exit_time=AN_AFTERNOON)
    await insert(connection, "account_history", **snapshot(paper, AN_AFTERNOON, 5.0))
    await refreshed(connection, follower)
    sums = follower.trades.sums(AN_AFTERNOON)
    assert sums is not None
    assert sums.total == 1
    assert follower.history.daily() is None


async def test_audit_rows_are_balance_but_not_equity(connection: asyncpg.Connection, session: int) -> None:
    now = AN_AFTERNOON
    await insert(connection, "account_history", **snapshot(session, now - timedelta(minutes=2), 1050.0, balance=1000))
    number = await book(connection, session, now, 990, change=-10)
    history = (await refreshed(connection, await follower_of(connection, session, CLOCK))).history
    daily, drawdown = history.daily(), history.drawdown()
    assert daily is not None
    assert drawdown is not None
    assert daily.equity[-1] == 1050
    assert drawdown.maximum == 0
    assert history.last_id == number != history.last_snapshot_id


async def test_a_deposit_is_no_return(connection: asyncpg.Connection, session: int) -> None:
    now = AN_AFTERNOON
    times = [now - timedelta(days=2), now - timedelta(days=1), now]
    await insert(connection, "account_balances", session_id=session, total_balance=1000, last_updated=times[0],
                 update_reason="session_start")  # fmt: skip
    await insert(connection, "account_balances", session_id=session, total_balance=3000, update_reason="deposit",
                 last_updated=times[1] - timedelta(hours=1))  # fmt: skip
    for at, equity in zip(times, (1000.0, 3000.0, 2700.0), strict=True):
        await insert(connection, "account_history", **snapshot(session, at, equity))
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    daily, drawdown = follower.history.daily(), follower.history.drawdown()
    assert daily is not None
    assert drawdown is not None
    assert [flow.amount for flow in follower.flows] == [Decimal(2000)]
    assert daily.index == pytest.approx([1000, 1000, 900])
    assert drawdown.maximum == pytest.approx(10)


async def test_a_flow_found_late_takes_back_what_it_looked_like(connection: asyncpg.Connection, session: int) -> None:
    now = AN_AFTERNOON
    await insert(
        connection, "account_balances", session_id=session, total_balance=1000, last_updated=now - timedelta(hours=1)
    )
    await insert(connection, "account_history", **snapshot(session, now - timedelta(minutes=50), 1000.0))
    await insert(connection, "account_history", **snapshot(session, now - timedelta(minutes=5), 500.0))
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    assert follower.history.drawdown().maximum == pytest.approx(50)  # type: ignore[union-attr]
    await insert(connection, "account_balances", session_id=session, total_balance=500,
                 last_updated=now - timedelta(minutes=20), update_reason="withdrawal")  # fmt: skip
    await refreshed(connection, follower)
    assert follower.history.drawdown().maximum == pytest.approx(0)  # type: ignore[union-attr]


async def test_late_rows_of_an_old_day_are_taken_in(connection: asyncpg.Connection, session: int) -> None:
    now = AN_AFTERNOON
    for days, equity in ((3, 1000.0), (2, 1100.0), (0, 1200.0)):
        await insert(connection, "account_history", **snapshot(session, now - timedelta(days=days), equity))
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    await insert(connection, "account_history", **snapshot(session, now - timedelta(days=2, seconds=30), 550.0))
    await refreshed(connection, follower)
    drawdown = follower.history.drawdown()
    assert drawdown is not None
    assert drawdown.maximum == pytest.approx(45)


async def test_rows_committed_out_of_order_are_not_lost(
    connection: asyncpg.Connection, database_url: str, session: int
) -> None:
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    slow = await asyncpg.connect(database_url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await insert(slow, "trades", session_id=session, pnl=1, commission=0, exit_time=AN_AFTERNOON)
        await insert(connection, "trades", session_id=session, pnl=2, commission=0, exit_time=AN_AFTERNOON)
        await refreshed(connection, follower)
        await transaction.commit()
    finally:
        await slow.close()
    sums = (await refreshed(connection, follower)).trades.sums(AN_AFTERNOON)
    assert sums is not None
    assert sums.net == 3


async def test_a_corrected_position_changes_the_risk_of_its_trade(connection: asyncpg.Connection, session: int) -> None:
    position = await insert(connection, "positions", session_id=session, status="CLOSED", entry_balance=10_000)
    await insert(connection, "trades", session_id=session, position_id=position, quantity=1, stop_loss=49_000,
                 exit_time=AN_AFTERNOON)  # fmt: skip
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    await connection.execute("UPDATE positions SET entry_balance = 5000")
    follower.forget("positions")
    await refreshed(connection, follower)
    sums = follower.trades.sums(AN_AFTERNOON)
    assert sums is not None
    assert sums.risk is not None
    assert sums.risk.mean == pytest.approx(0.2)


async def test_a_corrected_time_of_a_position_is_taken_back(connection: asyncpg.Connection, session: int) -> None:
    """It lay in the future, which no sign of life may outlast."""
    now = AN_AFTERNOON
    await insert(connection, "positions", session_id=session, last_update=now + timedelta(days=1))
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    await connection.execute("UPDATE positions SET last_update = $1", now)
    follower.forget("positions")
    assert (await refreshed(connection, follower)).state.signs.last_written == now


async def test_corrections_are_followed_once_known(connection: asyncpg.Connection, session: int) -> None:
    trade = await insert(connection, "trades", session_id=session, pnl=10, commission=0, exit_time=AN_AFTERNOON)
    row = await insert(connection, "account_history", **snapshot(session, AN_AFTERNOON - timedelta(days=1), 400.0))
    await insert(connection, "account_history", **snapshot(session, AN_AFTERNOON, 1000.0))
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    await connection.execute("UPDATE trades SET pnl = -5 WHERE id = $1", trade)
    await connection.execute("DELETE FROM account_history WHERE id = $1", row)
    follower.forget("trades", "account_history")
    await refreshed(connection, follower)
    sums, drawdown = follower.trades.sums(AN_AFTERNOON), follower.history.drawdown()
    assert sums is not None
    assert drawdown is not None
    assert (sums.net, drawdown.maximum) == (Decimal(-5), 0)


async def test_a_deposit_that_the_engine_has_not_taken_over_is_no_loss(
    connection: asyncpg.Connection, session: int
) -> None:
    now = AN_AFTERNOON
    booked = {"session_id": session, "last_updated": now - timedelta(hours=3)}
    await insert(connection, "account_balances", total_balance=1000, **booked)
    await insert(connection, "account_history", **snapshot(session, now - timedelta(minutes=50), 1000.0))
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    await insert(
        connection,
        "account_balances",
        session_id=session,
        total_balance=3000,
        last_updated=now - timedelta(minutes=40),
        update_reason="Manual adjustment: deposit",
    )
    for minutes, equity in ((30, 1000.0), (20, 3000.0), (10, 2700.0)):
        await insert(connection, "account_history", **snapshot(session, now - timedelta(minutes=minutes), equity))
        drawdown = (await refreshed(connection, follower)).history.drawdown()
        assert drawdown is not None
        assert drawdown.maximum == pytest.approx(10 if minutes == 10 else 0)
    fresh = await refreshed(connection, await follower_of(connection, session, CLOCK))
    assert fresh.history.drawdown() == follower.history.drawdown()


async def test_a_row_ahead_of_the_clock_counts_once_it_is_due(connection: asyncpg.Connection, session: int) -> None:
    """On the day of a deposit too, of which the rows are read again."""
    hands = ManualClock()
    booked = {"session_id": session, "update_reason": "deposit"}
    for minutes, balance in ((60, 1000), (40, 3000)):
        at = hands.now - timedelta(minutes=minutes)
        await insert(connection, "account_balances", **booked, total_balance=balance, last_updated=at)
    for minutes, equity in ((50, 1000.0), (20, 3000.0), (-5, 2400.0)):
        await insert(connection, "account_history", **snapshot(session, hands.now - timedelta(minutes=minutes), equity))
    follower = await refreshed(connection, await follower_of(connection, session, hands.clock))
    seen = []
    for _ in range(2):
        daily = (await refreshed(connection, follower)).history.daily()
        assert daily is not None
        seen.append(daily.equity[-1])
        hands.forward(minutes=6)
    assert seen == [3000, 2400]


async def test_a_trade_without_an_exit_time_is_left_out(connection: asyncpg.Connection, session: int) -> None:
    """As a conversion may leave one; everything else is counted all the same."""
    await connection.execute("ALTER TABLE trades ALTER COLUMN exit_time DROP NOT NULL")
    at = AN_AFTERNOON
    for exit_time in (at, None):
        await insert(connection, "trades", session_id=session, pnl=7, commission=0, exit_time=exit_time)
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    await insert(connection, "trades", session_id=session, pnl=7, commission=0, exit_time=None)
    sums = (await refreshed(connection, follower)).trades.sums(at)
    assert sums is not None
    assert (sums.total, sums.net) == (1, 7)


async def test_what_was_read_stays_when_rows_come(connection: asyncpg.Connection, session: int) -> None:
    """A page is made of the figures of one moment, however long that takes."""
    for minutes in (90, 60):
        at = AN_AFTERNOON - timedelta(minutes=minutes)
        await insert(connection, "account_history", **snapshot(session, at, 1000.0 + minutes))
        await insert(connection, "trades", session_id=session, pnl=minutes, exit_time=at)
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    history, trades = follower.history, follower.trades
    before = seen_of(history, trades)
    # The second trade is a late one: it belongs between those that are there.
    for minutes in (30, 75):
        at = AN_AFTERNOON - timedelta(minutes=minutes)
        await insert(connection, "account_history", **snapshot(session, at, 500.0))
        await insert(connection, "trades", session_id=session, pnl=-1, exit_time=at)
        await refreshed(connection, follower)
        assert seen_of(history, trades) == before
    assert seen_of(follower.history, follower.trades) != before


def seen_of(history: EquityCurve, trades: ScopeTrades) -> list[object]:
    daily = history.daily()
    assert daily is not None
    columns = history.curve(EPOCH).tobytes(), daily.equity.tobytes()
    return [*columns, history.last_id, history.drawdown(), trades.select(TradeFilter()), trades.sums(AN_AFTERNOON)]
