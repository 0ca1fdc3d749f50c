"""The event stream: the same signals as over Socket.IO, and the update events for those who ask for them."""

from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.clock import SYSTEM_CLOCK
from monitoring.scope_key import CURRENT, SessionScope
from monitoring.services import KEY, Services
from monitoring.signals.hub import Hub
from monitoring.transports import sse
from tests.history import seed_account
from tests.rows import insert, now
from tests.streaming import stream
from tests.waiting import until


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    return await seed_account(connection)


@pytest.fixture
def parts(app: Quart) -> Services:
    services: Services = app.extensions[KEY]
    return services


async def test_hello_then_what_goes_stale(
    account: int, client: Any, parts: Services, connection: asyncpg.Connection
) -> None:
    async with stream(client, "/events") as reader:
        hello = await reader.until("hello")
        assert hello["versions"] == parts.hub.versions.all(CURRENT)
        await insert(connection, "trades", session_id=account, exit_time=now())
        stale = await reader.until("stale")
        assert "trade_list" in stale
        assert stale["trade_list"] != hello["versions"]["trade_list"]


async def test_with_payload_the_update_events_come_too(
    account: int, client: Any, connection: asyncpg.Connection
) -> None:
    async with stream(client, "/events?payload=1") as reader:
        before = await reader.until("metrics_update")
        assert before["total_trades"] == 40
        number = await insert(connection, "trades", session_id=account, pnl=9, commission=2, exit_time=now())
        told: dict[int, Any] = {}
        while number not in told:
            # The forty may still be on their way.
            told = {trade["id"]: trade for trade in (await reader.until("trade_update"))["trades"]}
        assert told[number]["net_pnl"] == 7
        assert (await reader.until("metrics_update"))["total_trades"] == 41
        position = await insert(connection, "positions", session_id=account)
        opened = await reader.until("position_update")
        assert [row["id"] for row in opened["positions"]] == [position]
        await connection.execute(
            "UPDATE positions SET status = 'CLOSED', last_update = $1 WHERE id = $2", now(), position
        )
        assert (await reader.until("position_update"))["closed"] == [position]


async def test_what_nobody_asks_for_is_not_made(account: int, client: Any, parts: Services) -> None:
    async with stream(client, "/events") as reader:
        await reader.until("hello")
        assert not parts.legacy_events.wanted


async def test_a_reader_who_goes_leaves_nothing_behind(account: int, app: Quart, parts: Services) -> None:
    async with app.app_context():
        leaving = sse.full_stream(parts.hub, parts.event_streams, parts.metrics)
        await anext(leaving)
        assert (parts.legacy_events.wanted, parts.hub.viewers) == (True, 1)
        await leaving.aclose()
        assert (parts.legacy_events.wanted, parts.hub.viewers) == (False, 0)


async def test_a_quiet_stream_has_heartbeats_until_the_server_stops() -> None:
    hub = Hub(("trade_list",), SYSTEM_CLOCK)
    quiet = sse.stream(hub, CURRENT, heartbeat=0.01)
    assert b"event: hello" in await anext(quiet)
    assert await anext(quiet) == sse.event("hb", 1)
    hub.close()
    assert [chunk async for chunk in quiet] == [sse.RETRY]


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("?payload=2", 422, "payload=2: expected 0 or 1"),
        ("?payload=1&session=1", 422, "session=1: expected session=current"),
        ("?session=4711", 404, "4711"),
    ],
)
async def test_what_cannot_be_streamed_is_refused(
    account: int, client: Any, query: str, status: int, says: str
) -> None:
    response = await client.get(f"/events{query}")
    assert response.status_code == status
    assert says in (await response.get_json())["error"]["message"]


async def test_polling_hears_of_corrections_in_any_session(account: int, client: Any, parts: Services) -> None:
    async def only_trades_changed() -> bool:
        before = await (await client.get(f"/versions?session={account}")).get_json()
        parts.hub.publish(None, ("trade_list",))
        after = await (await client.get(f"/versions?session={account}")).get_json()
        return {name for name in before if before[name] != after[name]} == {"trade_list"}

    # What is read at the start makes everything stale.
    await until(only_trades_changed)
    assert SessionScope(account) in parts.hub.viewed()


async def test_the_page_names_the_versions_it_was_made_from(account: int, client: Any, parts: Services) -> None:
    async def named() -> bool:
        before = parts.hub.versions.of(CURRENT, "activity")
        html = await (await client.get("/")).get_data(as_text=True)
        return f'"activity": "{before}"'.replace('"', "&#34;") in html

    await until(named)
