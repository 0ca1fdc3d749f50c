"""The filter of trades: whatever is chosen, the figures are those of exactly these trades."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.clocks import AN_AFTERNOON, standing_at
from tests.faults.page import dashboard
from tests.rows import ago, insert, now
from tests.sections.trade_pages import chosen, figures, ids, link, page, refusal, words

TRADES: tuple[dict[str, Any], ...] = (
    {"pnl": 50, "commission": 1, "margin_interest_cost": 2, "exit_reason": "take_profit", "stop_loss": 49_000},
    {"pnl": 1, "commission": 3, "symbol": "ETHUSDT", "exit_reason": "stop_loss", "stop_loss": 49_600},
    {"pnl": -30, "side": "SHORT", "exit_reason": "Stop_Loss"},
    {"pnl": 2, "commission": 2, "exit_reason": None},
)
"""Net: 47 and 2.35 R, -2 and -0.25 R, -30 and 0."""


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    number = await insert(connection, "trading_sessions", start_time=ago(days=90))
    for day, columns in enumerate(TRADES):
        closed = ago(days=20 * day, minutes=1)
        times = {"exit_time": closed, "entry_time": closed - timedelta(hours=2)}
        await insert(connection, "trades", session_id=number, entry_price=50_000, quantity=Decimal("0.02"),
                     **{"commission": 0, **times, **columns})  # fmt: skip
    return number


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", ["4", "25.0 %", "+15.00", "1.47", "+1.05 R of 2", "8.00"]),
        ("outcome=win", ["1", "100.0 %", "+47.00", "—", "+2.35 R", "3.00"]),
        ("outcome=loss", ["2", "0.0 %", "−32.00", "0.00", "−0.25 R of 1", "3.00"]),
        ("outcome=breakeven", ["1", "0.0 %", "0.00", "—", "—", "2.00"]),
        ("side=short", ["1", "0.0 %", "−30.00", "0.00", "—", "0.00"]),
        ("symbol=ethusdt", ["1", "0.0 %", "−2.00", "0.00", "−0.25 R", "3.00"]),
        ("exit_reason=stop_loss", ["2", "0.0 %", "−32.00", "0.00", "−0.25 R of 1", "3.00"]),
        ("closed=30d", ["2", "50.0 %", "+45.00", "23.50", "+1.05 R", "6.00"]),
        ("closed=7d&outcome=loss", ["0", "—", "0.00", "—", "—", "0.00"]),
    ],
)
async def test_figures_are_of_the_selection(client: Any, session: int, asked: str, expected: list[str]) -> None:
    html = await page(client, f"/trades?{asked}")
    found = figures(html)
    assert list(found) == ["Trades", "Won", "Net", "Profit factor", "A trade", "Costs"]
    assert [value.partition(" unknown:")[0] for value in found.values()] == expected
    assert len(ids(html)) == int(expected[0])


async def test_unknown_figures_say_why(client: Any, session: int, connection: asyncpg.Connection) -> None:
    await insert(connection, "trades", session_id=session, pnl=Decimal("NaN"), commission=5, exit_time=now())
    found = figures(await page(client))
    assert found["Trades"] == "5"
    assert found["Won"] == "— unknown: 1 of 5 closed trades has no known P&L"
    assert found["Net"] == "4 of 5: +15.00 (1 of 5 closed trades has no known P&L)"
    assert found["Costs"].startswith("4 of 5: 8.00")
    html = await page(client, "/trades?outcome=unknown")
    assert figures(html)["Trades"] == "1"
    assert "Unknown" in chosen(html)


async def test_periods_end_now(connection: asyncpg.Connection, database_url: str) -> None:
    """Today is the UTC day; what is stamped with the future is in no period, as in the figures of Results."""
    number = await insert(connection, "trading_sessions", start_time=AN_AFTERNOON - timedelta(days=60))
    for hours in (-2, 1, 15, 16, 7 * 24 - 1, 7 * 24 + 1, 30 * 24 - 1, 30 * 24 + 1):
        await insert(connection, "trades", session_id=number, exit_time=AN_AFTERNOON - timedelta(hours=hours))
    async with dashboard(database_url, followed=False, clock=standing_at(AN_AFTERNOON)) as opened:
        for closed, count in (("today", 2), ("7d", 4), ("30d", 6), ("", 8)):
            assert figures(await opened.get(f"/trades?closed={closed}"))["Trades"] == str(count), closed
        for dates, count in (("from=2026-03-11&to=2026-03-11", 3), ("from=2026-03-10", 4), ("to=2026-03-10", 5)):
            html = await opened.get(f"/trades?{dates}")
            assert figures(html)["Trades"] == str(count), dates
            assert "From … to" in chosen(html)
            assert 'value="2026-03-1' in html


async def test_links_change_one_thing(client: Any, session: int) -> None:
    html = await page(client, "/trades?symbol=BTCUSDT&side=long&sort=pnl")
    assert chosen(html) == ["All", "Long", "BTCUSDT", "All", "Ever", "Net"]
    assert link(html, "Won") == f"/trades?bot={session}&side=long&symbol=BTCUSDT&sort=pnl&outcome=win"
    assert link(html, "Show all trades") == f"/trades?bot={session}&sort=pnl"
    assert link(html, "Take profit") is not None
    assert "Filter: Long, BTCUSDT" in words(html)


async def test_a_phone_unfolds_the_filter(client: Any, session: int) -> None:
    folded = await page(client)
    assert 'class="filters closed"' in folded
    unfolded = await page(client, link(folded, "Filter: all results, sides, markets, exits, dates") or "")
    assert 'class="filters"' in unfolded
    assert "filter=open" in (link(unfolded, "Won") or "")
    assert "filter=open" not in (link(unfolded, "CSV of these trades") or "")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("outcome=won", "outcome=won: expected one of loss, breakeven, win, unknown"),
        ("side=up", "side=up: expected one of long, short"),
        ("closed=1y", "closed=1y: expected one of today, 7d, 30d, dates"),
        ("closed=7d&from=2026-01-01", "closed=7d: expected no from or to beside it"),
        ("from=yesterday", "from=yesterday: expected a day such as 2026-01-31 or a moment in ISO-8601"),
        ("run=99", "run=99: expected the id of a session of this bot"),
        ("sort=symbol", "sort=symbol: expected one of exit_time, -exit_time"),
        ("symbol=" + "x" * 21, "symbol=xxxxxxxxxxxxxxxxxxxx…: expected text of at most 20 characters"),
        ("exit_reason=a%00b", "exit_reason: expected text that a database can hold"),
        ("after=7", "after=7: expected the place a link of this page names"),
        ("sort=pnl&after=2026-01-01T00:00:00_7", "expected a place in the order pnl"),
        ("after=2026-01-01T00:00:00_7&before=2026-01-01T00:00:00_7", "after and before: expected one of them"),
    ],
)
async def test_what_cannot_be_asked_is_named(client: Any, session: int, asked: str, expected: str) -> None:
    assert expected in await refusal(client, f"/trades?{asked}")


async def test_dates_the_wrong_way_round_are_named(client: Any, session: int) -> None:
    found = words(await page(client, "/trades?from=2026-03-02&to=2026-03-01"))
    assert "2026-03-02 is later than 2026-03-01: exchange the two dates." in found
    assert "exchange" not in words(await page(client, "/trades?from=2001-03-02&to=2001-03-02"))


async def test_any_of_many_markets_can_be_typed(client: Any, session: int, connection: asyncpg.Connection) -> None:
    for number in range(30):
        await insert(connection, "trades", session_id=session, symbol=f"M{number:02}" + "X" * 17, exit_time=ago(days=1))
    html = await page(client)
    assert 'name="symbol" maxlength="20"' in html
    assert 'name="exit_reason" maxlength' not in html
    typed = await page(client, "/trades?symbol=m29" + "x" * 17)
    assert figures(typed)["Trades"] == "1"
    assert "m29" + "x" * 17 in chosen(typed)


async def test_one_session_of_a_bot(client: Any, connection: asyncpg.Connection) -> None:
    first = await insert(connection, "trading_sessions", start_time=ago(days=9), end_time=ago(days=5))
    second = await insert(connection, "trading_sessions", start_time=ago(days=5), end_time=None)
    other = await insert(connection, "trading_sessions", mode="PAPER", start_time=ago(days=5))
    mine = [await insert(connection, "trades", session_id=first, exit_time=ago(days=6)) for _ in range(2)]
    await insert(connection, "trades", session_id=second, exit_time=ago(days=1))
    await insert(connection, "trades", session_id=other, exit_time=ago(days=1))
    assert figures(await page(client))["Trades"] == "3"
    html = await page(client, f"/trades?run={first}")
    assert (figures(html)["Trades"], ids(html)) == ("2", mine[::-1])
    assert f"run={other}: expected" in await refusal(client, f"/trades?run={other}")


@pytest.mark.parametrize(
    ("currency", "net"), [("BTC", "+0.01230000"), ("JPY", "+0.01"), ("USD", "+0.01"), ("IDR", "+0.01")]
)
async def test_decimals_are_those_of_the_currency(
    client: Any, connection: asyncpg.Connection, currency: str, net: str
) -> None:
    session = await insert(connection, "trading_sessions", start_time=ago(days=9))
    await insert(connection, "account_balances", session_id=session, base_currency=currency)
    await insert(connection, "trades", session_id=session, pnl=Decimal("0.0123"), commission=0, exit_time=now())
    assert figures(await page(client))["Net"] == net


async def test_a_new_trade_counts_at_once(connection: asyncpg.Connection, database_url: str, session: int) -> None:
    async with dashboard(database_url) as opened:
        await opened.shows("trade_filter", "<dd>4</dd>")
        number = await insert(connection, "trades", session_id=session, pnl=5, commission=0, exit_time=now())
        assert figures(await opened.shows("trade_filter", "<dd>5</dd>"))["Net"] == "+20.00"
        assert ids(await opened.shows("trade_list", f"/trades/{number}?"))[0] == number


async def test_without_trades_nothing_is_made_up(client: Any, connection: asyncpg.Connection) -> None:
    await insert(connection, "trading_sessions", start_time=ago(days=1))
    html = await page(client)
    found = figures(html)
    assert (found["Trades"], found["Net"], found["Won"]) == ("0", "0.00", "— unknown: no closed trades")
    assert "A trade appears here within a second of its close" in html
