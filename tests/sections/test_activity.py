"""Activity: what happened as one stream, on Now and, all of it, on a page of its own."""

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from monitoring.sections import activity_log
from monitoring.web.visits import COOKIE
from tests.rows import ago, insert, now

LINE = re.compile(r'<li(?: class="(\w+)")?>(.*?)</li>', re.S)
TAGS = re.compile(r"<[^>]+>")


async def shown(client: Any, query: str = "", name: str = "activity") -> str:
    response = await client.get(f"/partials/{name}{query}")
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


def lines(html: str) -> list[str]:
    """What each line says, without its time; headings and the last visit in brackets."""
    found = []
    for kind, line in LINE.findall(html):
        words = " ".join(TAGS.sub(" ", re.sub(r"<time.*?</time>", "", line)).split())
        found.append(f"[{words}]" if kind else words)
    return found


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    return await insert(connection, "trading_sessions", start_time=ago(days=9), initial_balance=10_000)


async def event(connection: asyncpg.Connection, session: int | None, at: Any, message: str, **columns: object) -> None:
    await insert(connection, "system_events", session_id=session, timestamp=at, message=message, **columns)


async def looked(client: Any, **interval: float) -> None:
    """As if the browser's last visit had ended then."""
    minutes = int((now() - timedelta(**interval)).timestamp() // 60)
    client.set_cookie("localhost", COOKIE, f"-{minutes}")


async def test_a_life_of_a_position(connection: asyncpg.Connection, session: int, client: Any) -> None:
    position = await insert(connection, "positions", session_id=session, symbol="BTCUSD", side="SHORT", quantity=2,
                            entry_price=1000, original_size="0.1", stop_loss=1030, status="CLOSED",
                            entry_time=ago(minutes=50))  # fmt: skip
    for price, minutes in ((1050, 49), (1050, 45), (1030, 30), (980, 20), (990, 15)):
        await insert(connection, "orders", session_id=session, position_id=position, order_type="STOP_LOSS",
                     status="CANCELLED", price=price, created_at=ago(minutes=minutes))  # fmt: skip
    await insert(connection, "partial_trades", position_id=position, size="0.025", price=970, pnl="1.5",
                 timestamp=ago(minutes=10))  # fmt: skip
    await insert(connection, "trades", session_id=session, position_id=position, symbol="BTCUSD", side="SHORT",
                 entry_time=ago(minutes=50), exit_time=ago(minutes=5), pnl=4, commission=1,
                 exit_reason="take_profit")  # fmt: skip
    html = await shown(client)
    assert [line for line in lines(html) if not line.startswith("[")][:-1] == [
        "Closed BTCUSD short take profit, held 45 min +3.00",
        "Closed part of BTCUSD short 25 % at 970.00 +1.50",
        "Stop of BTCUSD moved away 980.00 → 990.00",
        "Stop of BTCUSD trailed into profit 1,030.00 → 980.00",
        "Stop of BTCUSD trailed 1,050.00 → 1,030.00",
        "Opened BTCUSD short 2 at 1,000.00, risks 100.00",
    ]
    assert html.count(f'href="/positions/{position}?bot={session}"') == 5
    assert f'href="/trades/1?bot={session}"' in html


async def test_equal_events_are_one_line(connection: asyncpg.Connection, session: int, client: Any) -> None:
    for number in range(9):
        await event(connection, session, ago(minutes=100 - 10 * number), f"Stop refused, try {number}",
                    event_type="ERROR", severity="error", error_code="-2019", component="execution")  # fmt: skip
    await insert(connection, "trades", session_id=session, exit_time=ago(minutes=55), entry_time=ago(minutes=60))
    await event(connection, session, ago(minutes=110), "Candle late", severity="warning")
    await event(connection, None, ago(minutes=111), "Pulled the plug", severity="critical")
    first, trade, warning, error, *_ = [line for line in lines(await shown(client)) if not line.startswith("[")]
    assert re.fullmatch(r"error: Stop refused, try 8 ×9 since (\d+ \w+ )?\d\d:\d\d execution · -2019", first)
    assert trade.startswith("Closed BTCUSDT long")
    assert warning == "warning: Candle late test"
    assert error.startswith("error: Pulled the plug")


async def test_a_run_of_thousands_is_counted_as_far_as_it_was_read(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    await connection.execute(
        """INSERT INTO system_events (timestamp, event_type, severity, message, session_id)
           SELECT $1::timestamp - i * interval '1 second', 'ERROR', 'error', 'Loop failed', $2
           FROM generate_series(1, 4000) i""",
        now(), session,
    )  # fmt: skip
    await insert(connection, "trades", session_id=session, exit_time=ago(hours=5))
    html = await shown(client)
    assert [line for line in lines(html) if "Loop" in line] == ["error: Loop failed ×3,300 and more error"]
    assert not any("Closed" in line for line in lines(html))
    page, seen = await shown(client, name="activity_log"), 0
    while older := re.search(r'before=([\d.]+)" rel="next"', page):
        seen += 1
        page = await shown(client, f"?before={older[1]}", "activity_log")
    assert seen == 1
    rest, trade, *_ = [line for line in lines(page) if not line.startswith("[")]
    assert rest.startswith("error: Loop failed ×700 since")
    assert trade.startswith("Closed")


async def test_restarts_stand_in_the_stream_once(connection: asyncpg.Connection, client: Any) -> None:
    first = await insert(connection, "trading_sessions", start_time=ago(days=2), end_time=ago(minutes=31))
    second = await insert(connection, "trading_sessions", start_time=ago(minutes=30))
    await event(connection, first, ago(minutes=31), "engine stopped", event_type="ENGINE_STOP", severity="info")
    await event(connection, second, ago(minutes=30), "engine started", event_type="ENGINE_START", severity="info")
    await event(connection, second, ago(minutes=9), "engine started after a crash", event_type="ENGINE_START")
    found = [line for line in lines(await shown(client)) if "ngine" in line]
    assert found == [
        "engine started after a crash engine started",
        "Engine restarted after 1 min, run 2 ml_basic · BTCUSDT · 1h", "Engine started, run 1",
    ]  # fmt: skip


async def test_an_engine_that_stayed_away_was_not_restarted(connection: asyncpg.Connection, client: Any) -> None:
    await insert(connection, "trading_sessions", start_time=ago(days=2), end_time=ago(minutes=50))
    await insert(connection, "trading_sessions", start_time=ago(minutes=30))
    found = [line.partition(" ml_basic")[0] for line in lines(await shown(client)) if "ngine" in line]
    assert found == ["Engine started, run 2", "Engine stopped, run 1", "Engine started, run 1"]


async def test_an_alert_stands_where_it_began(connection: asyncpg.Connection, session: int, client: Any) -> None:
    await insert(connection, "positions", session_id=session, symbol="ETHUSD", entry_time=ago(minutes=20),
                 current_price=50_000, last_update=ago(seconds=1))  # fmt: skip
    html = await shown(client)
    (alert,) = [line for line in lines(html) if "No live stop" in line]
    assert alert.startswith("error: No live stop 1 position has no live stop: ETHUSD")
    assert f'href="/positions?bot={session}#all_positions"' in html


async def test_the_kill_switch_is_one_line(connection: asyncpg.Connection, session: int, client: Any) -> None:
    at = ago(minutes=30)
    await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=1))
    await insert(connection, "system_control_flags", active=True, updated_at=at, source="cli", reason="operator")
    assert sum("halted" in line for line in lines(await shown(client))) == 1
    await event(connection, None, at, "Trading halted by operator", severity="critical", error_code="SYSTEM_HALT")
    (line,) = [line for line in lines(await shown(client)) if "halted" in line]
    assert line == "error: Trading halted by operator kill switch on"


async def test_an_opening_tells_how_its_size_was_adjusted(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    for minutes, symbol in ((30, "ETHUSD"), (60, "SOLUSD")):
        await insert(connection, "positions", session_id=session, symbol=symbol, quantity=2, entry_price=1000,
                     stop_loss=990, entry_time=ago(minutes=minutes), status="CLOSED")  # fmt: skip
    for seconds, factor in ((-50, "0.8"), (20, "0.6"), (90, "0.4")):
        await insert(connection, "risk_adjustments", session_id=session, adjusted_value=factor,
                     timestamp=ago(minutes=30) + timedelta(seconds=seconds))  # fmt: skip
    first, second, *_ = [line for line in lines(await shown(client)) if "Opened" in line]
    assert first == "Opened ETHUSD long 2 at 1,000.00, risks 20.00, factor 0.60"
    assert second == "Opened SOLUSD long 2 at 1,000.00, risks 20.00"


async def test_what_is_new_stands_above_the_last_visit(
    connection: asyncpg.Connection, session: int, client: Any
) -> None:
    for hours in (1, 30, 60):
        await insert(connection, "trades", session_id=session, symbol=f"M{hours}", exit_time=ago(hours=hours))
    assert not any("You last looked" in line for line in lines(await shown(client)))
    await looked(client, hours=40)
    found = lines(await shown(client))
    places = [next(place for place, line in enumerate(found) if word in line) for word in ("M30", "You last", "M60")]
    assert places == sorted(places)
    assert re.search(r"\[You last looked \d+ \w+ \d\d:\d\d\]", found[places[1]])


async def test_rows_of_the_future_did_not_happen(connection: asyncpg.Connection, session: int, client: Any) -> None:
    later = now() + timedelta(hours=1)
    await insert(connection, "trades", session_id=session, exit_time=later, symbol="LATER")
    await insert(connection, "positions", session_id=session, entry_time=later, symbol="LATER")
    await event(connection, session, later, "LATER")
    assert "LATER" not in await shown(client)


async def test_pages_hold_everything_once(connection: asyncpg.Connection, session: int, client: Any) -> None:
    for number in range(70):
        at = ago(minutes=3 * (number // 2))
        await insert(connection, "trades", session_id=session, symbol=f"T{number}", exit_time=at)
        await event(connection, session, at, f"E{chr(65 + number % 26)}{chr(65 + number // 26)}")
    page = await shown(client, name="activity_log")
    found, pages = lines(page), 1
    while older := re.search(r'before=([\d.]+)" rel="next"', page):
        page, pages = await shown(client, f"?before={older[1]}", "activity_log"), pages + 1
        assert f"before={older[1]}" in page
        found += lines(page)
    words = [line for line in found if not line.startswith("[")]
    assert len(words) == len(set(words)) == 141
    assert pages == -(-141 // activity_log.PAGE_ROWS)


@pytest.mark.parametrize(
    "before", ["x", "1.2.3", "1.9.1.1.1", "1.1.99999999999999999999.1.1", "-1.1.1.1.1", "1.1.1.1.1 "]
)
async def test_a_place_that_no_link_names_is_refused(session: int, client: Any, before: str) -> None:
    response = await client.get("/activity", query_string={"before": before})
    assert response.status_code == 422
    assert "before=" in await response.get_data(as_text=True)


async def test_hostile_rows_are_shown_as_they_are(connection: asyncpg.Connection, session: int, client: Any) -> None:
    await insert(connection, "trades", session_id=session, symbol="<b>币安人生USDT", exit_reason="x" * 100, pnl="NaN",
                 exit_time=ago(minutes=2), entry_time=ago(minutes=1))  # fmt: skip
    await insert(connection, "positions", session_id=session, entry_price="NaN", side="?", entry_time=ago(minutes=3))
    await event(connection, session, ago(minutes=4), "<script>" + "y" * 5000, event_type="new kind")
    await insert(connection, "reconciliation_audit_events", session_id=session, timestamp=ago(minutes=5),
                 reason="0.4 BTC left", severity="CRITICAL", field="balance", old_value="0.4")  # fmt: skip
    html = await shown(client)
    assert "<b>币" not in html
    assert "<script>" not in html
    assert len(html) < 9000
    found = [line for line in lines(html) if not line.startswith("[")]
    closed, opened, told, finding, *_ = [line for line in found if "1 position has no" not in line]
    assert closed.startswith("Closed &lt;b&gt;币安人生USDT long")
    assert closed.endswith("— unknown: its result is not recorded")
    assert opened == "Opened BTCUSDT ? an unknown amount at —"
    assert told.endswith("… new kind")
    assert finding == "error: 0.4 BTC left reconciliation · critical · balance 0.4 → nothing"


@pytest.mark.parametrize("table", ["positions", "orders", "partial_trades", "system_events", "trades",
                                   "reconciliation_audit_events"])  # fmt: skip
async def test_a_missing_table_leaves_the_rest(
    connection: asyncpg.Connection, session: int, client: Any, table: str
) -> None:
    await connection.execute(f"DROP TABLE {table} CASCADE")
    assert "Engine started" in await shown(client)


async def test_amounts_are_hidden_in_words_too(connection: asyncpg.Connection, session: int, client: Any) -> None:
    position = await insert(connection, "positions", session_id=session, quantity=7771, stop_loss=49_000,
                            entry_time=ago(hours=3))  # fmt: skip
    await insert(connection, "trades", session_id=session, pnl="3137.5", exit_time=ago(hours=2))
    await insert(connection, "partial_trades", position_id=position, pnl=7771, timestamp=ago(hours=1))
    await event(connection, session, ago(minutes=9), "Balance adjusted by +3,137.50")
    await insert(connection, "reconciliation_audit_events", session_id=session, severity="HIGH",
                 reason="7771 USD are missing", old_value="7771", new_value="3137 USD")  # fmt: skip
    for path in ("/", "/activity", "/engine"):
        client.set_cookie("localhost", "amounts", "show")
        assert "7771" in (await (await client.get(path)).get_data(as_text=True)).replace(",", "")
        client.set_cookie("localhost", "amounts", "hide")
        html = (await (await client.get(path)).get_data(as_text=True)).replace(",", "")
        assert ("7771" in html, "3137" in html, "•••" in html) == (False, False, True)
