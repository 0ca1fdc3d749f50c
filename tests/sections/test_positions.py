"""Open positions are one line each, whose P&L is what price and quantity make."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.history import seed_account
from tests.rows import ago, insert


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    """With two open positions, each of which has a stop order of its own."""
    session = await seed_account(connection)
    await insert(connection, "positions", session_id=session, symbol="ETHUSDT", side="SHORT", quantity=3,
                 entry_price=3000, current_price=2900, unrealized_pnl=300, stop_loss=3150)  # fmt: skip
    for position, price in ((1, 48_765), (2, 3151)):
        await insert(connection, "orders", session_id=session, position_id=position, order_type="STOP_LOSS",
                     status="OPEN", price=price, created_at=ago(hours=1))  # fmt: skip
    return session


async def shown(client: Any, query: str = "") -> str:
    response = await client.get(f"/partials/all_positions{query}")
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


def held(html: str, words: Mapping[str, bool]) -> None:
    assert {word: word in html for word in words} == words


async def test_a_line_tells_what_is_held(account: int, client: Any) -> None:
    line = (await shown(client)).split('id="position-2"')[1].split("</li>")[0]
    held(line, dict.fromkeys(("ETHUSDT", "Short", "3,000.00", "2,900.00", "3,150.00", "+300.00"), True))


@pytest.mark.parametrize(("written", "percent"), [(None, None), ("NaN", None), (-12, None), (Decimal("99.999"), 5)])
async def test_open_pnl_is_what_the_price_makes(
    connection: asyncpg.Connection, client: Any, written: object, percent: float | None
) -> None:
    """The engine may have updated the price alone: what it wrote of the P&L then belongs to another price."""
    session = await insert(connection, "trading_sessions")
    await insert(connection, "positions", session_id=session, side="SHORT", entry_price=2000, current_price=1900,
                 quantity=2, original_size=1, current_size=Decimal("0.5"), stop_loss=2100, last_update=ago(seconds=1),
                 unrealized_pnl=written and Decimal(written), unrealized_pnl_percent=5)  # fmt: skip
    (position,) = json.loads(await (await client.get("/api/positions")).get_data(as_text=True))
    names = ("unrealized_pnl", "r", "unrealized_pnl_percent")
    assert [position[name] for name in names] == [100, 1, percent]
    metrics = json.loads(await (await client.get("/api/metrics")).get_data(as_text=True))
    assert metrics["unrealized_pnl"] == 100
    assert "+100.00" in await shown(client)


async def test_open_pnl_without_what_is_held_says_why(connection: asyncpg.Connection, client: Any) -> None:
    session = await insert(connection, "trading_sessions")
    await insert(connection, "positions", session_id=session, current_price=1900, last_update=ago(seconds=1))
    held(await shown(client), {"size unknown": True, "not priced": False})


@pytest.mark.parametrize(("age", "old"), [({"minutes": 4}, False), ({"minutes": 20}, True), ({"hours": -1}, True)])
async def test_a_price_behind_the_engine_is_marked(
    connection: asyncpg.Connection, client: Any, age: dict[str, float], old: bool
) -> None:
    session = await seed_account(connection)
    await connection.execute("UPDATE positions SET last_update = $1", ago(**age))
    (position,) = json.loads(await (await client.get(f"/api/positions?session={session}")).get_data(as_text=True))
    assert position["stale"] is old
    held(await shown(client), {'class="warn">51,000.00': old, "priced <time": not old})
