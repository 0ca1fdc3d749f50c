"""Open positions: their fields, their gain in R, their stop, and what partial exits have taken."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.rows import insert
from tests.web.calls import get

OPENED = datetime(2026, 3, 10, 8)


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=OPENED)


async def test_fields(client: Any, connection: asyncpg.Connection, session: int) -> None:
    number = await insert(
        connection,
        "positions",
        session_id=session,
        side="SHORT",
        entry_price=200,
        current_price=Decimal("190.5"),
        quantity=2,
        size=Decimal("0.1"),
        unrealized_pnl=Decimal("9.5"),
        unrealized_pnl_percent=Decimal("4.75"),
        entry_time=OPENED,
        stop_loss=220,
        take_profit=150,
        trailing_stop_activated=True,
        trailing_stop_price=210,
        breakeven_triggered=False,
        mfe_price=180,
        mae_price=204,
        mfe=99,
        original_size=Decimal("0.2"),
        current_size=Decimal("0.1"),
        partial_exits_taken=1,
        scale_ins_taken=0,
        last_partial_exit_price=185,
    )
    order = await insert(
        connection,
        "orders",
        session_id=session,
        position_id=number,
        side="SHORT",
        quantity=2,
        price=200,
        internal_order_id="entry_1",
        created_at=OPENED,
        filled_at=OPENED + timedelta(seconds=1),
    )
    (position,) = await get(client, "/api/positions")
    (found,) = position.pop("orders")
    assert position.pop("mfe") == pytest.approx(0.1)
    assert position.pop("mae") == pytest.approx(-0.02)
    assert position == {
        "id": number,
        "symbol": "BTCUSDT",
        "side": "short",
        "entry_price": 200,
        "current_price": 190.5,
        "quantity": 2,
        "size": 0.1,
        "unrealized_pnl": 9.5,
        "unrealized_pnl_percent": 4.75,
        "entry_time": "2026-03-10T08:00:00+00:00",
        "stop_loss": 220,
        "take_profit": 150,
        "trailing_stop_activated": True,
        "trailing_stop_price": 210,
        "breakeven_triggered": False,
        "original_size": 0.2,
        "current_size": 0.1,
        "partial_exits_taken": 1,
        "scale_ins_taken": 0,
        "last_partial_exit_price": 185,
        "last_scale_in_price": None,
        "last_update": None,
        "stale": True,
        "session_id": session,
        "held": 1,
        "r": 0.475,
        "realized_pnl": None,
        "stop_order": None,
    }
    assert (found["id"], found["position_id"], found["side"]) == (order, number, "SHORT")
    assert (found["order_type"], found["status"]) == ("ENTRY", "FILLED")
    assert found["filled_at"] == "2026-03-10T08:00:01+00:00"


async def test_without_a_price_the_open_pnl_is_unknown(
    client: Any, connection: asyncpg.Connection, session: int
) -> None:
    await insert(connection, "positions", session_id=session, unrealized_pnl=5, unrealized_pnl_percent=1)
    (position,) = await get(client, "/api/positions")
    assert position["unrealized_pnl"] is position["unrealized_pnl_percent"] is position["current_price"] is None


@pytest.mark.parametrize("price", [0, -1, "NaN", "Infinity"])
async def test_a_price_of_nothing_is_none(
    client: Any, connection: asyncpg.Connection, session: int, price: object
) -> None:
    await connection.execute("ALTER TABLE positions ALTER current_price TYPE numeric, ALTER mae_price TYPE numeric")
    await connection.execute("ALTER TABLE partial_trades ALTER price TYPE numeric")
    nothing = Decimal(str(price))
    row = {"quantity": 2, "original_size": 1, "unrealized_pnl": 5, "unrealized_pnl_percent": 1}
    await insert(connection, "positions", session_id=session, **row, current_price=nothing, mae_price=nothing)
    await insert(connection, "partial_trades", price=nothing, size=0.5)
    (position,) = await get(client, "/api/positions")
    unknown = ("current_price", "unrealized_pnl", "unrealized_pnl_percent", "mae", "realized_pnl")
    assert [position[name] for name in unknown] == [None] * 5
    metrics = await get(client, "/api/metrics")
    for key, what in (("unrealized_pnl", "open P&L of"), ("current_exposure", "current price of")):
        assert metrics[key] is None
        assert metrics["reasons"][key].startswith(what)


async def test_closed_positions_and_those_of_others_are_left_out(
    client: Any, connection: asyncpg.Connection, session: int
) -> None:
    other = await insert(connection, "trading_sessions", mode="BACKTEST")
    await insert(connection, "positions", session_id=other)
    await insert(connection, "positions", session_id=session, status="CLOSED")
    first = await insert(connection, "positions", session_id=session, entry_time=OPENED)
    second = await insert(connection, "positions", session_id=session, entry_time=OPENED + timedelta(hours=1))
    assert [position["id"] for position in await get(client, "/api/positions")] == [second, first]


@pytest.mark.parametrize(
    ("side", "stops", "own", "r"),
    [
        ("LONG", [95], 99, 4),  # as first placed, though it was trailed since
        ("LONG", [95, 98], None, 4),
        ("LONG", [Decimal("NaN"), 95], None, 4),
        ("LONG", [], 90, 2),
        ("LONG", [], None, None),
        ("LONG", [101], 90, None),  # at or beyond the entry: it limits no loss
        ("SHORT", [110], None, -2),
    ],
)
async def test_r_is_the_gain_in_units_of_the_first_risk(
    client: Any,
    connection: asyncpg.Connection,
    session: int,
    side: str,
    stops: list[Decimal | int],
    own: int | None,
    r: float | None,
) -> None:
    columns = {"entry_price": 100, "current_price": 120, "quantity": 4, "original_size": 1, "current_size": 0.5}
    pnl = 40 if side == "LONG" else -40
    number = await insert(
        connection, "positions", session_id=session, side=side, stop_loss=own, unrealized_pnl=pnl, **columns
    )
    for minute, price in enumerate(stops):
        await insert(
            connection,
            "orders",
            position_id=number,
            order_type="STOP_LOSS",
            price=price,
            created_at=OPENED + timedelta(minutes=minute),
        )
    (position,) = await get(client, "/api/positions")
    assert (position["held"], position["r"]) == (2, r)


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [([], None), (["OPEN"], "OPEN"), (["CANCELLED", "PENDING"], "PENDING"), (["OPEN", "CANCELLED"], None)],
)
async def test_the_stop_order_that_guards_a_position(
    client: Any, connection: asyncpg.Connection, session: int, statuses: list[str], shown: str | None
) -> None:
    number = await insert(connection, "positions", session_id=session)
    for minute, status in enumerate(statuses):
        at = OPENED + timedelta(minutes=minute)
        await insert(connection, "orders", position_id=number, order_type="STOP_LOSS", status=status, created_at=at)
    (position,) = await get(client, "/api/positions")
    assert position["stop_order"] == shown


@pytest.mark.parametrize(
    ("taken", "exits", "realized"),
    [
        (0, [], 0),
        (1, [], None),  # the engine says there was one: nobody knows what it took
        (2, [{"pnl": 5}, {"pnl": -2}], 3),
        (2, [{"pnl": 5}, {"pnl": None, "price": 110, "size": 0.05}], 15),
        (1, [{"pnl": "NaN", "price": "NaN", "size": 0.05}], None),
    ],
)
async def test_what_partial_exits_have_taken(
    client: Any,
    connection: asyncpg.Connection,
    session: int,
    taken: int,
    exits: list[dict[str, Any]],
    realized: float | None,
) -> None:
    number = await insert(
        connection,
        "positions",
        session_id=session,
        entry_price=100,
        quantity=4,
        original_size=Decimal("0.2"),
        partial_exits_taken=taken,
    )
    for exit in exits:
        await insert(connection, "partial_trades", position_id=number, **exit)
    await insert(connection, "partial_trades", position_id=number, operation_type="SCALE_IN", pnl=100)
    (position,) = await get(client, "/api/positions")
    assert position["realized_pnl"] == realized


async def test_no_move_at_all_is_zero_whatever_its_unit(
    client: Any, connection: asyncpg.Connection, session: int
) -> None:
    await insert(connection, "positions", session_id=session, mfe=0, mae=Decimal("-0.5"))
    (position,) = await get(client, "/api/positions")
    assert (position["mfe"], position["mae"]) == (0, None)
