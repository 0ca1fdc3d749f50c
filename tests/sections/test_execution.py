"""How orders were executed, with what factor the newest entry was sized, and what the engine logged of its market."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.sections.test_facts import figures

QUALITY = ("fill_rate", "failed_orders", "execution_quality", "execution_quality_label")
FILLS = ("avg_slippage", "order_latency")
FACTOR = ("dynamic_risk_factor", "dynamic_risk_active", "dynamic_risk_reason")


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=ago(days=3))


async def values(connection: asyncpg.Connection, *keys: str) -> tuple[object, ...]:
    found = (await figures(connection)).values
    return tuple(found[key] for key in keys)


async def order(connection: asyncpg.Connection, kind: str, side: str, price: float | None, **row: Any) -> None:
    """``fill``, ``hours`` ago, filled after ``seconds``; ``status`` FILLED by default."""
    made = ago(hours=row.pop("hours", 5))
    seconds = row.pop("seconds", None)
    filled = None if seconds is None else made + timedelta(seconds=seconds)
    row = {"session_id": 1, "filled_price": row.pop("fill", None)} | row
    await insert(
        connection, "orders", order_type=kind, side=side, price=price, created_at=made, filled_at=filled, **row
    )


async def test_resting_stops_have_no_slippage_or_latency(connection: asyncpg.Connection, session: int) -> None:
    await order(connection, "ENTRY", "LONG", 100, fill=100.5, actual_fill_price=100.2, seconds=0.2)
    await order(connection, "FULL_EXIT", "LONG", 200, fill=199, seconds=0.4, status="CONFIRMED")
    await order(connection, "ENTRY", "SHORT", 50, fill=50.1, seconds=-0.05)
    await order(connection, "STOP_LOSS", "LONG", 90, fill=85, hours=9, seconds=5 * 3600)
    await order(connection, "ENTRY", "LONG", 100, status="FAILED")
    await order(connection, "ENTRY", "LONG", 100, status="FAILED", hours=25)
    for _ in range(2):
        await order(connection, "STOP_LOSS", "LONG", 90, status="CANCELLED")
    assert await values(connection, *QUALITY) == (80, 1, 80, "Fair")
    assert await values(connection, *FILLS) == (pytest.approx(0.2), pytest.approx(200))


@pytest.mark.parametrize(
    ("kind", "side", "fill", "worse"),
    [("ENTRY", "LONG", 101, 1), ("SCALE_IN", "LONG", 101, 1), ("PARTIAL_EXIT", "LONG", 101, -1),
     ("ENTRY", "SHORT", 101, -1), ("FULL_EXIT", "SHORT", 101, 1), ("FULL_EXIT", "BUY", 101, 1),
     ("ENTRY", "SELL", 101, -1)],
)  # fmt: skip
async def test_slippage_is_what_was_paid_worse(
    connection: asyncpg.Connection, session: int, kind: str, side: str, fill: float, worse: float
) -> None:
    await order(connection, kind, side, 100, fill=fill)
    assert await values(connection, *FILLS) == (pytest.approx(worse), None)


async def test_stops_that_hit_and_were_cancelled_are_good(connection: asyncpg.Connection, session: int) -> None:
    await order(connection, "ENTRY", "LONG", 60_000, fill=60_000, seconds=0.2)
    await order(connection, "STOP_LOSS", "LONG", 59_000, fill=59_000, seconds=9 * 3600)
    for _ in range(2):
        await order(connection, "STOP_LOSS", "LONG", 59_000, status="CANCELLED")
    assert await values(connection, *QUALITY, *FILLS) == (100, 0, 100, "Good", 0, pytest.approx(200))


async def test_without_orders_none_failed(connection: asyncpg.Connection, session: int) -> None:
    assert await values(connection, *QUALITY) == (None, 0, None, None)


async def adjust(connection: asyncpg.Connection, seconds: float, factor: float, **row: Any) -> None:
    """So many seconds before an hour ago."""
    row = {"trigger_reason": "drawdown_12.0%", "session_id": 1} | row
    at = ago(hours=1, seconds=seconds)
    await insert(connection, "risk_adjustments", timestamp=at, adjusted_value=factor, **row)


async def enter(connection: asyncpg.Connection, hours: float = 1) -> None:
    await insert(connection, "positions", session_id=1, status="CLOSED", entry_time=ago(hours=hours))


REDUCED = (0.6, True, "drawdown_12.0%")


@pytest.mark.parametrize(
    ("seconds", "expected"), [(59, REDUCED), (-59, REDUCED), (62, (1, False, "the newest entry was not adjusted"))]
)
async def test_a_factor_belongs_to_the_newest_entry(
    connection: asyncpg.Connection, session: int, seconds: float, expected: tuple[object, ...]
) -> None:
    await enter(connection)
    await adjust(connection, seconds, 0.6)
    await adjust(connection, 1, 0.2, parameter_name="stop_loss_factor")
    assert await values(connection, *FACTOR) == expected


async def test_of_two_factors_the_nearest_counts(connection: asyncpg.Connection, session: int) -> None:
    await enter(connection)
    await adjust(connection, 20, 0.5)
    await adjust(connection, -10, 0.7)
    assert await values(connection, *FACTOR[:2]) == (0.7, True)


async def test_a_factor_does_not_last_for_ever(connection: asyncpg.Connection, session: int) -> None:
    """Nothing is logged when the factor is 1 again; a trade may be newer than every position."""
    await enter(connection)
    await adjust(connection, 0, 0.4)
    await insert(connection, "trades", session_id=1, entry_time=ago(minutes=30), exit_time=ago(minutes=20))
    assert await values(connection, *FACTOR[:2]) == (1, False)


async def test_before_the_first_entry_there_is_no_factor(connection: asyncpg.Connection, session: int) -> None:
    await adjust(connection, 0, 0.6)
    found = await figures(connection)
    assert [found.values[key] for key in FACTOR] == [None] * 3
    assert found.reasons["dynamic_risk_factor"] == "nothing was entered yet"


async def decide(connection: asyncpg.Connection, **row: Any) -> None:
    at = ago(**{name: row.pop(name) for name in ("hours", "minutes", "seconds") if name in row})
    row = {"session_id": 1, "symbol": "BTCUSDT"} | row
    await insert(connection, "strategy_executions", timestamp=at, **row)


async def test_each_indicator_is_of_the_newest_row_that_has_it(connection: asyncpg.Connection, session: int) -> None:
    await decide(connection, minutes=20, indicators={"rsi": 42, "ema_trend": "up"})
    await decide(connection, minutes=10, indicators={"rsi": 55})
    await decide(connection, minutes=5, indicators={"close": 1})
    await decide(connection, hours=-1, indicators={"rsi": 99})
    assert await values(connection, "rsi", "ema_trend") == (55, "up")


async def test_what_was_logged_before_twice_the_limit_is_unknown(connection: asyncpg.Connection, session: int) -> None:
    """A decision every minute: the limit is five minutes."""
    for minutes in range(40):
        indicators = {"rsi": 42} if minutes in (11, 20) else {"close": 5}
        await decide(connection, minutes=minutes, indicators=indicators)
    assert await values(connection, "rsi") == (None,)
    await decide(connection, minutes=9, indicators={"rsi": 43})
    assert await values(connection, "rsi") == (43,)


async def test_the_change_of_a_day_is_of_the_same_market(connection: asyncpg.Connection, session: int) -> None:
    for hours, symbol, close in ((0, "BTCUSDT", 110), (24.5, "BTCUSDT", 100), (23, "BTCUSDT", 1), (24.1, "ETHUSDT", 7)):
        await decide(connection, hours=hours, symbol=symbol, indicators={"close": close})
    backtest = await insert(connection, "trading_sessions", mode="BACKTEST")
    await decide(connection, hours=0, indicators={"close": 3}, session_id=backtest)
    assert await values(connection, "price_change_24h") == (pytest.approx(10),)


async def test_without_a_price_of_yesterday_no_change(connection: asyncpg.Connection, session: int) -> None:
    await decide(connection, hours=0, indicators={"close": 110})
    await decide(connection, hours=30, indicators={"close": 100})
    assert await values(connection, "price_change_24h") == (None,)
