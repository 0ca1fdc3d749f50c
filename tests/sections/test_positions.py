"""Open positions are one line each; details and orders come for those that a reader opens."""

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
    response = await client.get(f"/partials/positions{query}")
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


def held(html: str, words: Mapping[str, bool]) -> None:
    assert {word: word in html for word in words} == words


async def test_a_line_tells_what_is_held(account: int, client: Any) -> None:
    line = (await shown(client)).split('id="position-2"')[1].split("</tbody>")[0]
    held(line, dict.fromkeys(("ETHUSDT", "Short", "3,000.00", "2,900.00", "3,150.00", "+300.00"), True))


async def test_details_and_orders_come_when_they_are_opened(account: int, client: Any) -> None:
    words = ("Best so far", "Fill price", "48,765.00", "3,151.00")
    held(await shown(client), dict.fromkeys(words, False))
    held(await shown(client, "?open=1"), dict.fromkeys(words, True) | {"3,151.00": False})
    held(await shown(client, "?open=1,2"), dict.fromkeys(words, True))
    page = await (await client.get("/overview?open=1")).get_data(as_text=True)
    held(page, {"48,765.00": True, "3,151.00": False})


async def test_each_link_opens_or_closes_its_position(account: int, client: Any) -> None:
    held(await shown(client), {"open=1#position-1": True, "open=2#position-2": True})
    held(await shown(client, "?open=2"), {"open=1%2C2#position-1": True, '"/?bot=1#position-2"': True})


async def test_a_position_that_is_closed_is_not_opened_again(account: int, client: Any) -> None:
    opened = await shown(client, "?open=99")
    assert "Best so far" not in opened
    assert "99" not in opened.partition(">")[2]


@pytest.mark.parametrize("ids", ["x", "1,", "-1", "1;2", "١", ",".join(map(str, range(51)))])
async def test_what_is_no_list_of_ids_is_refused(account: int, client: Any, ids: str) -> None:
    for path in ("/overview", "/partials/positions"):
        response = await client.get(path, query_string={"open": ids})
        assert response.status_code == 422
        assert "open" in (await response.get_data(as_text=True))


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
    held(await shown(client), {"has not written how much is held": True, "has not written a price": False})


@pytest.mark.parametrize(("age", "old"), [({"minutes": 4}, False), ({"minutes": 20}, True), ({"hours": -1}, True)])
async def test_a_price_behind_the_engine_is_marked(
    connection: asyncpg.Connection, client: Any, age: dict[str, float], old: bool
) -> None:
    session = await seed_account(connection)
    await connection.execute("UPDATE positions SET last_update = $1", ago(**age))
    (position,) = json.loads(await (await client.get(f"/api/positions?session={session}")).get_data(as_text=True))
    assert position["stale"] is old
    held(await shown(client), {'class="stale"': old, "Priced": old})
