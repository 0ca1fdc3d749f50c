"""A thousand viewers at once: one change is loaded and rendered once, a burst is announced twice a second."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.rendering.templates import SectionRenderer
from monitoring.scope_key import CURRENT, BotScope
from monitoring.sections import BY_NAME, SECTIONS, Section
from monitoring.sections.section import Context
from monitoring.services import KEY, Services
from monitoring.signals.hub import Hub
from monitoring.signals.subscription import Signal, Subscription
from monitoring.transports.sse import stream
from tests.history import seed_account
from tests.rows import insert, now
from tests.signalled import signal_to
from tests.waiting import until, waiting

HERD = 1000
BURST = 1000
VARIANTS = ("", "?range=7d", "?range=all")
LIVE = {"HX-Request": "true"}


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each section was read from the database; the sections are the real ones."""
    counted: Counter[str] = Counter()

    def counting(section: Section) -> Section:
        async def load(context: Context) -> object:
            counted[section.name] += 1
            return await section.load(context)

        return replace(section, load=load)

    for section in SECTIONS:
        monkeypatch.setitem(BY_NAME, section.name, counting(section))
    return counted


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each section was rendered."""
    counted: Counter[str] = Counter()
    render = SectionRenderer.__call__

    def counting(self: SectionRenderer, section: Section, *rest: Any) -> str:
        counted[section.name] += 1
        return render(self, section, *rest)

    monkeypatch.setattr(SectionRenderer, "__call__", counting)
    return counted


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    return await seed_account(connection)


@pytest.fixture
async def app(account: int, database_url: str) -> AsyncIterator[Quart]:
    app = create_app(load_settings({"DATABASE_URL": database_url}))
    async with app.test_app():
        yield app


@pytest.fixture
def parts(app: Quart) -> Services:
    services: Services = app.extensions[KEY]
    return services


@pytest.fixture
def client(app: Quart) -> Any:
    return app.test_client()


@pytest.fixture
def hub(parts: Services) -> Hub:
    return parts.hub


def look(parts: Services) -> Subscription:
    """Somebody opens the page."""
    parts.feed.wake()
    return parts.hub.subscribe(BotScope(1))


async def rested(hub: Hub) -> None:
    """Waits until no section is throttled any more, so that the next change is announced at once."""
    await asyncio.sleep(2 * hub.throttle_seconds)


async def until_stale(viewer: Subscription, section: str) -> Signal:
    async with waiting():
        while section not in (signal := await signal_to(viewer)).sections:
            pass
        return signal


async def fetch(client: Any, path: str, at: str = "") -> str:
    """``at``: the version that a signal carried."""
    separator = "&" if "?" in path else "?"
    response = await client.get(f"{path}{separator}at={at}" if at else path, headers=LIVE)
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


async def test_one_change_is_loaded_and_rendered_once_a_variant(
    client: Any,
    parts: Services,
    connection: asyncpg.Connection,
    account: int,
    loads: Counter[str],
    renders: Counter[str],
) -> None:
    hub, paths = parts.hub, [f"/partials/trade_list{variant}" for variant in VARIANTS]
    for path in paths:
        await fetch(client, path)
    await rested(hub)
    viewers = [look(parts) for _ in range(HERD)]
    loads.clear(), renders.clear()

    trade = await insert(connection, "trades", session_id=account, exit_time=now())
    news = await asyncio.gather(*(until_stale(viewer, "trade_list") for viewer in viewers))
    at = news[0].version
    shown = await asyncio.gather(*(fetch(client, paths[number % len(paths)], at) for number in range(HERD)))

    assert all(f'id="trade-{trade}"' in html for html in shown)
    assert {one.version for one in news} == {hub.versions.of(BotScope(1), "trade_list")}
    assert (loads["trade_list"], renders["trade_list"]) == (len(VARIANTS), len(VARIANTS))


async def test_nobody_looks_nothing_is_loaded(
    client: Any, hub: Hub, connection: asyncpg.Connection, account: int, loads: Counter[str], renders: Counter[str]
) -> None:
    await fetch(client, "/partials/trade_list")
    before = hub.versions.of(CURRENT, "trade_list")
    loads.clear(), renders.clear()
    await insert(connection, "trades", session_id=account, exit_time=now())
    await until(lambda: hub.versions.of(CURRENT, "trade_list") != before)
    await rested(hub)
    assert not loads
    assert not renders


@pytest.mark.parametrize("section", ["trade_list", pytest.param("figures", marks=pytest.mark.audit)])
async def test_what_was_looked_at_is_ready_before_it_is_asked_for(
    client: Any, parts: Services, connection: asyncpg.Connection, account: int, loads: Counter[str], section: str
) -> None:
    viewer = look(parts)
    # The first fetch may find out that the engine's state is another, which is a signal of its own.
    for _ in range(2):
        await fetch(client, f"/partials/{section}")
        await rested(parts.hub)
    for asked in (True, False):
        await rested(parts.hub)
        loads.clear()
        await insert(connection, "trades", session_id=account, exit_time=now())
        await until_stale(viewer, "trade_list")
        await (until(lambda: loads[section] > 0) if asked else rested(parts.hub))
        # Of the second change nothing is loaded: the variant that was made for the first was never fetched.
        assert loads[section] == int(asked)


@pytest.mark.parametrize("section", ["trade_list", pytest.param("figures", marks=pytest.mark.audit)])
async def test_a_thousand_commits_are_a_few_signals_and_as_many_loads(
    client: Any,
    parts: Services,
    connection: asyncpg.Connection,
    account: int,
    loads: Counter[str],
    section: str,
) -> None:
    await fetch(client, f"/partials/{section}")
    await rested(parts.hub)
    await fetch(client, f"/partials/{section}")
    viewer = look(parts)
    loads.clear()
    signals, at = list[str](), [parts.hub.versions.of(BotScope(1), section)]
    parts.hub.add_prefetcher(lambda _scope, news: signals.extend(news))

    async def follow() -> None:
        while True:
            signal = await signal_to(viewer)
            if section in signal.sections:
                at[0] = signal.version
                await fetch(client, f"/partials/{section}", at[0])

    following = asyncio.create_task(follow())
    started = time.monotonic()
    for number in range(BURST):
        trade = await insert(connection, "trades", session_id=account, exit_time=now())
        if number % 10 == 0:
            # A herd that is spread over the whole of the burst.
            await asyncio.gather(*(fetch(client, f"/partials/{section}", at[0]) for _ in range(5)))
    lasted = time.monotonic() - started

    async def is_shown() -> bool:
        return f'id="trade-{trade}"' in await fetch(client, "/partials/trade_list")

    await until(is_shown)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following

    assert signals.count(section) <= 2 + lasted / parts.hub.throttle_seconds
    assert loads[section] <= signals.count(section) + 1


async def test_signals_of_a_commit_come_as_one_message(
    client: Any, hub: Hub, connection: asyncpg.Connection, account: int
) -> None:
    shown = ("trade_list", "figures", "verdict")
    await asyncio.gather(*(fetch(client, f"/partials/{section}") for section in shown))
    await rested(hub)
    events = stream(hub, BotScope(1))
    await anext(events)
    await insert(connection, "trades", session_id=account, exit_time=now())
    async with waiting():
        event = (await anext(events)).decode()
    await events.aclose()  # type: ignore[attr-defined]
    announced = json.loads(re.findall("^data: (.*)$", event, re.MULTILINE)[0])
    assert set(shown) <= announced.keys()


async def test_many_requests_find_the_session_with_few_queries(client: Any, parts: Services, account: int) -> None:
    await fetch(client, "/partials/trade_list")
    queries: list[str] = []

    async def note(record: Any) -> None:
        queries.append(record.query)

    async with parts.database.acquire() as one:
        one.add_query_logger(note)
    parts.reader.forget_sessions()
    await asyncio.gather(*(fetch(client, "/partials/trade_list") for _ in range(200)))
    assert len([query for query in queries if "FROM trading_sessions" in query]) <= 10
