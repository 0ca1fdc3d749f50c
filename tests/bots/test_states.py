"""What is alive and what is not, as pages and programs see it while time goes on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitoring.scope_key import BotScope
from tests.bots.life import NOW, Life, ago
from tests.faults.page import Page
from tests.rows import insert


async def state(page: Page, scope: str = "") -> tuple[str, str]:
    answer = await page.json(f"/api/status{scope}")
    return answer["state"], answer["status"]


async def states(page: Page) -> dict[int, str]:
    return {bot["id"]: bot["state"] for bot in await page.json("/api/bots")}


async def alerts(page: Page) -> set[str]:
    return {alert["code"] for alert in await page.json("/api/alerts")}


@asynccontextmanager
async def after(life: Life, page: Page, **interval: float) -> AsyncIterator[None]:
    """What is done after so long a wait, and the look that the dashboard takes then."""
    life.calendar.wait(timedelta(**interval).total_seconds())
    async with life.later(page):
        yield


async def decide(life: Life, session: int, newest: datetime, count: int = 41, minutes: float = 1) -> None:
    """Decisions so many minutes apart, the newest last."""
    for number in reversed(range(count)):
        at = newest - number * timedelta(minutes=minutes)
        await insert(life.connection, "strategy_executions", session_id=session, timestamp=at)


async def event(life: Life, at: datetime, code: str | None = None, **more: Any) -> None:
    row = {"severity": "critical", "event_type": "ALERT"} | more
    await insert(life.connection, "system_events", timestamp=at, error_code=code, **row)


async def halt(life: Life, active: bool = True) -> None:
    await life.connection.execute("DELETE FROM system_control_flags")
    await insert(life.connection, "system_control_flags", active=active, source="operator", updated_at=ago(minutes=10))


async def test_bots_of_every_rhythm(life: Life) -> None:
    """Minutes between snapshots, and of silence; 4 and 5 decide every minute too."""
    expected = {}
    rhythms = [(60, 58, "Online"), (60, 80, "Late"), (60, 155, "Offline"), (30, 6, "Late"), (30, 11, "Offline"),
               (30, 40, "Late")]  # fmt: skip
    for number, (minutes, silent, word) in enumerate(rhythms, start=1):
        await life.session(ago(days=9), 10_000, f"bot {number}", symbol=f"A{number}", mode="PAPER")
        await life.history(number, ago(minutes=silent), *[10_000] * 12, minutes=minutes)
        expected[number] = word
    for number, silent in ((4, 6), (5, 11)):
        await decide(life, number, ago(minutes=silent))
    async with life.opened() as page:
        assert await states(page) == expected


async def test_an_engine_goes_from_starting_to_offline(life: Life) -> None:
    await life.session(ago(minutes=2), 10_000)
    async with life.opened() as page:
        seen = [await state(page)]
        for minutes in (74, 80):
            async with after(life, page, minutes=minutes):
                pass
            seen.append(await state(page))
        async with after(life, page, minutes=1):
            await decide(life, 1, life.calendar.now, count=1)
        seen.append(await state(page))
        async with after(life, page, days=8):
            pass
        seen.append(await state(page))
    words = ["Starting", "Late", "Offline", "Online", "Ended"]
    assert seen == list(zip(words, ["Online", "Online", "Offline", "Online", "Offline"], strict=True))


async def test_an_open_page_learns_that_the_engine_is_offline(life: Life) -> None:
    await life.session(ago(days=3), 10_000)
    await life.history(1, ago(minutes=1), *[10_000] * 12, minutes=10)
    async with life.opened() as page:
        assert ">Online" in await page.get("/partials/state?bot=1")
        viewer = page.parts.hub.subscribe(BotScope(1))
        async with after(life, page, minutes=40):
            assert await state(page) == ("Late", "Online")
        assert "state" in (await viewer.next(5)).versions
        assert ">Late" in await page.get("/partials/state?bot=1")


async def test_six_markets_in_one_burst_are_one_beat(life: Life) -> None:
    await life.session(ago(days=3), 10_000, symbol="A,B,C,D,E,F")
    for market in range(6):
        await decide(life, 1, ago(minutes=20) + timedelta(milliseconds=5 * market), minutes=60)
    async with life.opened() as page:
        assert await state(page) == ("Online", "Online")


async def test_writes_every_ten_seconds_and_dies(life: Life) -> None:
    await life.session(ago(days=3), 10_000)
    await life.history(1, ago(minutes=11), *[10_000] * 100, minutes=1 / 6)
    async with life.opened() as page:
        assert await state(page) == ("Offline", "Offline")


async def test_rows_of_others_are_no_signs_of_life(life: Life) -> None:
    """Of a backtest, of the dashboard itself, and of clocks that are wrong."""
    await life.session(ago(days=3), 10_000)
    await life.history(1, ago(hours=4), *[10_000] * 12)
    await life.session(ago(hours=1), 5, "b", mode="BACKTEST")
    await decide(life, 2, NOW)
    await event(
        life, ago(minutes=1), event_type="BALANCE_ADJUSTMENT", component="dashboard", severity="info", session_id=1
    )
    await decide(life, 1, NOW + timedelta(hours=2), count=1)
    await insert(life.connection, "positions", session_id=1, last_update=NOW + timedelta(hours=2))
    async with life.opened() as page:
        assert await state(page) == ("Offline", "Offline")


@pytest.mark.parametrize("table", ["trades", "system_events", "positions", "strategy_executions", "account_history"])
async def test_whatever_the_engine_writes_is_a_sign_of_life(life: Life, table: str) -> None:
    await life.session(ago(days=3), 10_000)
    written = {
        "trades": {"created_at": ago(minutes=1), "exit_time": ago(hours=9)},
        "positions": {"last_update": ago(minutes=1), "status": "CLOSED"},
    }.get(table, {"timestamp": ago(minutes=1)})
    await insert(life.connection, table, session_id=1, **written)
    async with life.opened() as page:
        assert await state(page) == ("Online", "Online")


async def test_a_sign_behind_those_of_many_others_counts(life: Life) -> None:
    """Others wrote more rows since than are looked through when the dashboard begins."""
    await life.session(ago(days=3), 10_000)
    await life.history(1, ago(minutes=20), 10_000)
    await life.session(ago(days=3), 5, "b", mode="BACKTEST")
    await life.connection.execute(
        "INSERT INTO account_history (timestamp, balance, equity, total_pnl, session_id)"
        " SELECT $1::timestamp, 5, 5, 1, 2 FROM generate_series(1, 20010)", ago(days=2))  # fmt: skip
    async with life.opened() as page:
        assert (await page.json("/api/status"))["last_update"] == f"{ago(minutes=20).isoformat()}+00:00"


@pytest.fixture
async def trading(life: Life) -> Life:
    """A LIVE bot that writes every ten minutes."""
    await life.session(ago(days=3), 10_000)
    await life.history(1, ago(minutes=1), *[10_000] * 12, minutes=10)
    return life


async def test_a_kill_switch_on_a_dead_engine(life: Life) -> None:
    await life.session(ago(days=3), 10_000)
    await decide(life, 1, ago(minutes=187))
    await halt(life)
    async with life.opened() as page:
        answer = await page.json("/api/status")
        assert (answer["state"], answer["status"], answer["halted"], answer["by"]) == (
            "Halted", "Error", True, "operator")  # fmt: skip
        assert answer["since"] == f"{ago(minutes=10).isoformat()}+00:00"
        assert await alerts(page) == {"engine_silent", "halted"}
        assert "Trading is halted" in await page.get("/partials/attention?bot=1")
        async with after(life, page, seconds=1):
            await halt(life, active=False)
        assert await state(page) == ("Offline", "Offline")
        assert await alerts(page) == {"engine_silent"}


async def test_a_kill_switch_does_not_concern_ended_sessions(trading: Life) -> None:
    await trading.end(1, ago(seconds=30))
    await halt(trading)
    async with trading.opened() as page:
        answer = await page.json("/api/status")
        assert (answer["state"], answer["status"], answer["halted"]) == ("Ended", "Offline", False)
        assert answer["since"] == f"{ago(seconds=30).isoformat()}+00:00"


async def test_close_only_until_it_is_cleared(trading: Life) -> None:
    await event(trading, ago(hours=2), "MAX_DRAWDOWN_BREACH", message="limit hit", session_id=1)
    async with trading.opened() as page:
        assert await state(page) == ("Close only", "Error")
        assert await alerts(page) == {"close_only"}
        assert (await page.json("/api/status"))["since"] == f"{ago(hours=2).isoformat()}+00:00"
        assert "The engine opens no positions" in await page.get("/partials/attention?bot=1")
        async with after(trading, page, seconds=1):
            await event(trading, trading.calendar.now, "SYSTEM_HALT_CLEARED", severity="info", session_id=1)
        assert await state(page) == ("Online", "Online")


async def test_close_only_lasts_a_day(trading: Life) -> None:
    await event(trading, ago(hours=23, minutes=59), "ACCOUNT_CIRCUIT_BREAKER_TRIP", session_id=1)
    async with trading.opened() as page:
        assert await state(page) == ("Close only", "Error")
        async with after(trading, page, minutes=2):
            pass
        assert await state(page) == ("Online", "Online")


async def test_close_only_ends_with_its_session(trading: Life) -> None:
    """What was told before it began, or by no session, is not ended by a later one's end."""
    await trading.end(1, ago(minutes=1))
    await event(trading, ago(hours=2), "CLOSE_ONLY", session_id=1)
    await trading.session(ago(seconds=50), 10_000)
    await trading.history(2, NOW, 10_000)
    async with trading.opened() as page:
        assert await state(page) == ("Online", "Online")
        async with after(trading, page, seconds=1):
            await event(trading, trading.calendar.now, "SYSTEM_HALT_UNVERIFIED", session_id=None)
        assert await state(page) == ("Close only", "Error")
        assert await state(page, "?session=2") == ("Online", "Online")


async def test_an_error_is_one_for_a_quarter_of_an_hour(trading: Life) -> None:
    await event(trading, ago(minutes=14), severity="Error", message="order refused", session_id=1)
    async with trading.opened() as page:
        assert await state(page) == ("Online", "Error")
        assert 'last hour · <a href="/engine?bot=1#faults">' in await page.get("/partials/attention?bot=1")
        assert "order refused" in await page.get("/partials/faults?bot=1")
        async with after(trading, page, minutes=2):
            pass
        assert await state(page) == ("Online", "Online")
        async with after(trading, page, minutes=45):
            pass
        assert "last hour" not in await page.get("/partials/attention?bot=1")


async def counts(page: Page, scope: str) -> tuple[int, int, float]:
    metrics = await page.json(f"/api/metrics?{scope}")
    return metrics["error_count"], metrics["errors_last_hour"], metrics["error_rate_hourly"]


async def test_errors_of_no_session_are_every_bots(trading: Life) -> None:
    await event(trading, ago(minutes=3), "LOOP_CRASH", message="no session yet", session_id=None)
    await event(trading, ago(hours=3), severity="ERROR", session_id=1)
    await event(trading, ago(minutes=5), severity="info", event_type="ERROR", session_id=1)
    await trading.session(ago(days=9), 5, "p", mode="PAPER", end_time=ago(minutes=17))
    await trading.session(ago(days=9), 5, "q", mode="PAPER", end_time=ago(minutes=18, seconds=1))
    await trading.session(ago(days=9), 5, "b", mode="BACKTEST")
    await trading.session(ago(minutes=2), 5, "later", mode="PAPER", symbol="ETHUSDT")
    async with trading.opened() as page:
        assert await counts(page, "bot=1") == (2, 1, 50)
        assert await counts(page, "session=1") == (1, 0, 0)
        assert await state(page) == ("Online", "Error")
        assert await state(page, "?session=1") == ("Online", "Online")
        assert "no session yet" in await page.get("/partials/activity_log?bot=1")
        assert "no session yet" not in await page.get("/partials/activity_log?session=1")
        errors = [(await page.json(f"/api/metrics?bot={bot}"))["error_count"] for bot in (2, 3, 4, 5)]
    assert errors == [1, 0, 0, 0]
