"""Facts read from rows that would fool a naive query."""

from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from monitoring.clock import SYSTEM_CLOCK, Clock
from monitoring.database.capabilities import Capabilities
from monitoring.metrics.catalogue import evaluate
from monitoring.metrics.metric import Evaluation
from monitoring.sections.facts import read_facts
from monitoring.sections.section import Reading
from tests.clocks import ManualClock
from tests.projections.reading import follower_of, refreshed
from tests.rows import ago, insert


async def figures(connection: asyncpg.Connection, clock: Clock = SYSTEM_CLOCK) -> Evaluation:
    """Every metric of the current session."""
    capabilities = await Capabilities.read(connection)
    session = await connection.fetchval("SELECT min(id) FROM trading_sessions")
    follower = await refreshed(connection, await follower_of(connection, session, clock))
    state = follower.state
    reading = Reading(connection, capabilities, state, clock.now())
    return evaluate((await read_facts(reading, follower.fact_cache)).facts)


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    number = await insert(connection, "trading_sessions", initial_balance=1000)
    await insert(connection, "account_history", session_id=number, balance=1000, equity=1000, total_pnl=1)
    return number


async def test_a_partial_exit_shrinks_what_is_held(connection: asyncpg.Connection, session: int) -> None:
    await insert(connection, "positions", session_id=session, quantity=2, original_size=Decimal("0.2"),
                 current_size=Decimal("0.05"), entry_price=100, current_price=110, unrealized_pnl=5,
                 last_update=SYSTEM_CLOCK.now())  # fmt: skip
    found = await figures(connection)
    assert found.values["position_sizes"] == 50
    assert found.values["total_position_value"] == 55
    assert found.values["current_exposure"] == pytest.approx(55 / 1005 * 100)


async def test_figures_of_an_old_price_say_so(connection: asyncpg.Connection, session: int) -> None:
    await insert(connection, "positions", session_id=session, quantity=1, entry_price=105, current_price=110,
                 unrealized_pnl=5, stop_loss=90, last_update=ago(days=3))  # fmt: skip
    found = await figures(connection)
    for key, value in (("unrealized_pnl", 5), ("total_position_value", 110), ("current_exposure", 11)):
        assert found.values[key] == pytest.approx(value)
        assert f"the price of BTCUSDT is of {ago(days=3):%Y-%m-%d}" in found.reasons[key]
    assert found.values["equity"] == 1000
    assert found.values["heat"] is None
    assert found.values["active_positions_count"] == 1


async def test_two_positions_in_one_symbol_count_twice(connection: asyncpg.Connection, session: int) -> None:
    for pnl in (5, -3):
        await insert(connection, "positions", session_id=session, quantity=1, entry_price=110 - pnl, current_price=110,
                     last_update=SYSTEM_CLOCK.now())  # fmt: skip
    assert (await figures(connection)).values["unrealized_pnl"] == 2


async def test_without_the_table_the_factor_is_unknown(connection: asyncpg.Connection, session: int) -> None:
    await connection.execute("DROP TABLE risk_adjustments")
    found = await figures(connection)
    assert found.values["dynamic_risk_factor"] is None
    assert found.values["dynamic_risk_active"] is None


async def test_profits_that_leave_a_trade_out_are_not_shown_as_all(
    connection: asyncpg.Connection, session: int
) -> None:
    await insert(connection, "trades", session_id=session, pnl=7, exit_time=SYSTEM_CLOCK.now())
    await insert(connection, "trades", session_id=session, pnl=Decimal("NaN"), exit_time=SYSTEM_CLOCK.now())
    found = await figures(connection)
    assert found.values["total_trades"] == 2
    for key in ("daily_pnl", "weekly_pnl", "total_pnl", "win_rate", "winning_trades", "expectancy"):
        assert found.values[key] is None, key
        assert "1 of 2" in found.reasons[key]


async def test_a_dead_engine_is_offline_though_its_session_is_open(connection: asyncpg.Connection) -> None:
    number = await insert(connection, "trading_sessions", start_time=ago(days=9))
    await insert(connection, "account_history", session_id=number, timestamp=ago(days=2), total_pnl=1)
    assert (await figures(connection)).values["data_feed_status"] == "Stale"


async def test_errors_of_other_hours_and_sessions_do_not_count(connection: asyncpg.Connection, session: int) -> None:
    await connection.execute("SET timezone = 'America/New_York'")
    other = await insert(connection, "trading_sessions", mode="PAPER")
    for hours, owner in ((0.5, session), (3, session), (30, session), (0.5, other)):
        await insert(connection, "system_events", session_id=owner, timestamp=ago(hours=hours), severity="ERROR")
    for _ in range(3):
        await insert(connection, "system_events", session_id=session, timestamp=ago(minutes=5), severity="info")
    found = await figures(connection)
    assert (found.values["error_count"], found.values["errors_last_hour"]) == (2, 1)
    assert found.values["error_rate_hourly"] == 25


async def test_todays_profit_is_of_the_utc_day(connection: asyncpg.Connection, session: int) -> None:
    await connection.execute("SET timezone = 'Asia/Tokyo'")
    midnight = SYSTEM_CLOCK.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for at, pnl in ((midnight, 7), (midnight - timedelta(seconds=1), 100)):
        await insert(connection, "trades", session_id=session, pnl=pnl, commission=0, exit_time=at)
    assert (await figures(connection)).values["daily_pnl"] == 7


async def test_time_alone_moves_every_window(connection: asyncpg.Connection) -> None:
    """Ten minutes before midnight there were a trade and an error; from then on nothing happens."""
    before_midnight = datetime(2026, 3, 11, 23, 50)
    hands = ManualClock(before_midnight)
    session = await insert(connection, "trading_sessions", start_time=before_midnight - timedelta(days=20))
    await insert(connection, "trades", session_id=session, pnl=7, commission=0, exit_time=before_midnight)
    await insert(connection, "system_events", session_id=session, timestamp=before_midnight, severity="critical")
    windows, seen = ("daily_pnl", "weekly_pnl", "error_rate_hourly", "error_count"), []
    for minutes in (0, 9, 2, 50, 23 * 60, 6 * 24 * 60):
        hands.forward(minutes=minutes)
        found = (await figures(connection, hands.clock)).values
        seen.append(tuple(found[window] for window in windows))
    assert seen == [(7, 7, 100, 1), (7, 7, 100, 1), (0, 7, 100, 1), (0, 7, None, 1), (0, 7, None, 0), (0, 0, None, 0)]


async def test_an_order_of_the_future_is_none_of_the_last_day(connection: asyncpg.Connection, session: int) -> None:
    for status, hours in (("FILLED", 1), ("FAILED", -2)):
        await insert(connection, "orders", session_id=session, status=status, created_at=ago(hours=hours))
    found = await figures(connection)
    assert (found.values["fill_rate"], found.values["failed_orders"]) == (100, 0)


async def test_a_backtest_hides_no_decision_of_the_bot(connection: asyncpg.Connection) -> None:
    session, decided = await insert(connection, "trading_sessions", start_time=ago(days=3)), ago(minutes=2)
    await insert(connection, "strategy_executions", session_id=session, timestamp=decided, indicators={"rsi": 40})
    backtest = await insert(connection, "trading_sessions", mode="BACKTEST")
    await connection.execute(
        "INSERT INTO strategy_executions (timestamp, strategy_name, symbol, session_id, indicators)"
        """ SELECT $1::timestamp - i * interval '1 hour', 's', 'BTCUSDT', $2, '{"rsi": 70}'
            FROM generate_series(1, 9000) i""",
        decided,
        backtest,
    )
    found = await figures(connection)
    assert (found.values["rsi"], found.values["last_data_update"]) == (40, decided)
