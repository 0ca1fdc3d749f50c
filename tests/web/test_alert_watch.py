"""Alerts of every bot that runs, found though nobody looks at one, and counted in the list of bots."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.reading import alert_watch
from monitoring.reading.alert_watch import AlertWatch
from monitoring.scope_key import BotScope
from monitoring.sections.section import Context
from monitoring.services import KEY, Services
from tests.rows import ago, insert, now
from tests.signalled import signal_to
from tests.waiting import until
from tests.web.alerting import alerts, healthy_bot
from tests.web.calls import get


@pytest.fixture
async def watching(
    app: Quart, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Services]:
    """A dashboard that looks at all bots many times a second."""
    caplog.set_level(logging.INFO, "monitoring")
    monkeypatch.setattr(alert_watch, "WATCH_SECONDS", 0.02)
    parts: Services = app.extensions[KEY]
    task = asyncio.create_task(AlertWatch(parts.reader, parts.clock).run())
    yield parts
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def fail(connection: asyncpg.Connection, bot: int, code: str) -> None:
    await insert(connection, "system_events", session_id=bot, severity="error", error_code=code)


async def another_bot(connection: asyncpg.Connection, **columns: object) -> int:
    return await insert(connection, "trading_sessions", start_time=ago(hours=2), strategy_name="b", **columns)


async def test_found_for_each_bot_though_nobody_looks(
    connection: asyncpg.Connection, watching: Services, caplog: pytest.LogCaptureFixture
) -> None:
    live, paper = await healthy_bot(connection), await another_bot(connection, mode="PAPER")
    backtest = await another_bot(connection, mode="BACKTEST")
    for bot in (live, paper, backtest):
        await fail(connection, bot, "E1")
    await until(lambda: f"bot {paper}: alert errors" in caplog.text and f"bot {live}: alert errors" in caplog.text)
    await connection.execute("DELETE FROM system_events")
    await until(lambda: f"bot {live}: alert errors E1 is over" in caplog.text)
    assert caplog.text.count(f"bot {live}: alert errors (error)") == 1
    assert f"bot {backtest}: alert" not in caplog.text


async def test_an_open_page_fetches_new_alerts(connection: asyncpg.Connection, watching: Services) -> None:
    bot = await healthy_bot(connection)
    assert await watching.feed.caught_up()
    viewer = watching.hub.subscribe(BotScope(bot))
    await watching.reader.session(BotScope(bot))
    await connection.execute("UPDATE account_history SET timestamp = timestamp - interval '5 hours'")
    while "attention" not in (await signal_to(viewer)).sections:
        pass


async def test_a_bot_that_breaks_hides_no_other(
    connection: asyncpg.Connection,
    watching: Services,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = await healthy_bot(connection), await another_bot(connection)
    read = alert_watch.read_alerts

    async def breaking(context: Context) -> Any:
        if context.state.session.id == first:
            raise ZeroDivisionError("nobody foresaw it")
        return await read(context)

    monkeypatch.setattr(alert_watch, "read_alerts", breaking)
    await fail(connection, second, "E2")
    await until(lambda: f"bot {second}: alert errors" in caplog.text)
    assert caplog.text.count(f"bot {first}: its alerts cannot be found") == 1


async def test_a_bot_of_long_ago_that_writes_is_counted(client: Any, connection: asyncpg.Connection) -> None:
    ended = {"start_time": ago(days=9), "end_time": ago(days=8)}
    bot = await insert(connection, "trading_sessions", mode="PAPER", **ended)
    await insert(connection, "system_events", session_id=bot, severity="error", timestamp=now())
    (row,) = await get(client, "/api/bots")
    assert row["alerts"] == len(await alerts(client)) == 1
