"""The line "since": why the equity changed since this browser looked last, and what happened."""

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from monitoring.formatting.times import stamp
from monitoring.web.visits import COOKIE
from tests.rows import ago, book, insert, now

TAGS = re.compile(r"<[^>]+>")


async def line(client: Any) -> str:
    """What the line says on the page."""
    response = await client.get("/", headers={"Accept": "text/html"})
    assert response.status_code == 200
    found = re.search(r'<a id="why".*?</a>', await response.get_data(as_text=True), re.S)
    assert found is not None
    return " ".join(TAGS.sub("", found[0]).split())


def looked(client: Any, **interval: float) -> str:
    """As if the browser's last visit had ended then; the time as it is shown."""
    at = now() - timedelta(**interval)
    client.set_cookie("localhost", COOKIE, f"-{int((at - type(at)(1970, 1, 1)).total_seconds() // 60)}")
    return stamp(at, now())


async def snapshot(
    connection: asyncpg.Connection, session: int, at: Any, balance: float, pnl: float, held: int
) -> None:
    await insert(connection, "account_history", session_id=session, timestamp=at, balance=balance, equity=balance + pnl,
                 total_pnl=1, open_positions=held)  # fmt: skip


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    """That of an account in dollars, which was flat when it began."""
    session = await insert(connection, "trading_sessions", start_time=ago(days=3), initial_balance=1000)
    await book(connection, session, ago(days=3), 1000, 0, "session_start")
    await snapshot(connection, session, ago(days=2), 1000, 0, 0)
    return session


async def opened(connection: asyncpg.Connection, session: int, symbol: str, hours: float, pnl: float) -> int:
    """An open position of that age, whose P&L that is now."""
    return await insert(connection, "positions", session_id=session, symbol=symbol, entry_time=ago(hours=hours),
                        quantity=1, entry_price=100, current_price=100 + pnl, last_update=ago(seconds=1),
                        stop_loss=90)  # fmt: skip


async def closed(connection: asyncpg.Connection, session: int, symbol: str, hours: tuple[float, float],
                 pnl: float) -> None:  # fmt: skip
    """A trade entered and left so many hours ago, which cost 1."""
    await insert(connection, "trades", session_id=session, symbol=symbol, entry_time=ago(hours=hours[0]),
                 exit_time=ago(hours=hours[1]), pnl=pnl, commission=1)  # fmt: skip


async def test_markets_costs_and_counts_since_the_last_visit(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    await opened(connection, session, "BTCUSD", 9, 30)
    await snapshot(connection, session, ago(hours=6), 1000, 12.5, 1)
    await closed(connection, session, "SOLUSD", (4, 2), -20)
    await insert(connection, "system_events", session_id=session, timestamp=ago(hours=1), severity="ERROR")
    await snapshot(connection, session, ago(minutes=1), 979, 30, 1)
    at = looked(client, hours=5)
    assert await line(client) == f"Since {at}: SOL −20.00 · BTC +17.50 · fees −1.00 · 1 opened · 1 closed · 1 error"


async def test_the_amounts_explain_the_change_beside_them(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    await snapshot(connection, session, ago(hours=6), 1000, 0, 0)
    await closed(connection, session, "SOLUSD", (4, 2), -19)
    await snapshot(connection, session, ago(minutes=1), 980, 0, 0)
    at = looked(client, hours=5)
    page = await (await client.get("/", headers={"Accept": "text/html"})).get_data(as_text=True)
    delta = re.search(rf"<dt>Since {at}</dt><dd.*?</dd>", page)
    assert delta is not None
    assert TAGS.sub(" ", delta[0]).split() == ["Since", *at.split(), "−20.00", "−2.00", "%"]


async def test_without_a_last_visit_it_is_of_today(session: int, client: Any) -> None:
    assert (await line(client)).startswith("Today: ")


async def test_only_the_cookie_says_when_somebody_looked(session: int, client: Any) -> None:
    asked = await client.get("/partials/why?looked=2026-01-01T00:00")
    assert "Today: " in await asked.get_data(as_text=True)
    at = looked(client, hours=5)
    own = await (await client.get("/partials/why")).get_data(as_text=True)
    assert f"Since {at}: " in own
    assert "data-own" not in own


async def test_several_markets_then_are_not_told_apart(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    for symbol, pnl in (("BTCUSD", 30), ("ETHUSD", -4)):
        await opened(connection, session, symbol, 9, pnl)
    await snapshot(connection, session, ago(hours=6), 1000, 10, 3)
    await closed(connection, session, "WIF", (8, 2), -20)
    await snapshot(connection, session, ago(minutes=1), 979, 26, 2)
    at = looked(client, hours=5)
    assert (
        await line(client) == f"Since {at}: WIF closed −20.00 · change of open P&amp;L +16.00 · fees −1.00 · 1 closed"
    )


async def test_a_position_that_is_not_known_any_more_is_not_guessed(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    """The snapshot counted two, of which only one can be found."""
    await opened(connection, session, "BTCUSD", 9, 30)
    await snapshot(connection, session, ago(hours=6), 1000, 10, 2)
    await snapshot(connection, session, ago(minutes=1), 1000, 30, 1)
    at = looked(client, hours=5)
    assert await line(client) == f"Since {at}: change of open P&amp;L +20.00"


async def test_money_that_came_or_was_corrected(connection: asyncpg.Connection, session: int, client: Any) -> None:
    await snapshot(connection, session, ago(hours=6), 1000, 0, 0)
    await book(connection, session, ago(hours=4), 989, -11, "exchange_sync_correction")
    await insert(connection, "account_balances", session_id=session, last_updated=ago(hours=3), total_balance=1489,
                 update_reason="deposit")  # fmt: skip
    await snapshot(connection, session, ago(hours=2), 1489, 0, 0)
    await snapshot(connection, session, ago(hours=1), 1486, 0, 0)
    at = looked(client, hours=5)
    assert await line(client) == f"Since {at}: corrections −11.00 · other −3.00"


async def test_amounts_have_the_decimals_of_the_currency(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    await connection.execute("UPDATE account_balances SET base_currency = 'JPY'")
    await snapshot(connection, session, ago(hours=6), 1000, 0, 0)
    for _ in range(2):
        await closed(connection, session, "BTC-JPY", (4, 2), -20.4)
    await snapshot(connection, session, ago(minutes=1), 957.2, 0, 0)
    at = looked(client, hours=5)
    assert await line(client) == f"Since {at}: BTC −41 · fees −2 · 2 opened · 2 closed"


async def test_where_nothing_changed_the_line_says_so(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    await snapshot(connection, session, ago(hours=6), 1000, 0, 0)
    await snapshot(connection, session, ago(minutes=1), 1000, 0, 0)
    at = looked(client, hours=5)
    assert await line(client) == f"Since {at}: nothing changed"


async def test_an_unknown_change_says_why(connection: asyncpg.Connection, session: int, client: Any) -> None:
    at = looked(client, hours=5)
    assert await line(client) == f"Since {at}: change of equity —unknown: no equity was written since"


async def test_a_snapshot_without_a_balance_still_says_why(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    await opened(connection, session, "ETHUSDT", 1, 5)
    await snapshot(connection, session, ago(seconds=1), float("nan"), 0, 1)
    await connection.execute("UPDATE account_history SET equity = 990 WHERE balance = 'NaN'")
    said = await line(client)
    assert "1 opened" in said
    assert "\u221210.00" in said
