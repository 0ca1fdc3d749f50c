"""Several instances of the dashboard on one database: it must not matter which of them answers."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import asyncpg
import pytest

from monitoring.changes import catch_up
from monitoring.clock import SYSTEM_CLOCK
from monitoring.postgres.embedded import EmbeddedServer
from monitoring.scope_key import BotScope
from tests.faults.page import OPERATOR, Page, dashboard
from tests.faults.replica import caught_up, standby_of
from tests.rows import insert, now
from tests.secrets import TOKEN
from tests.signalled import signal_to
from tests.waiting import until, waiting

COMMITS = 30
READS = ("/", "/partials/trade_list", "/partials?names=trade_list,figures", "/api/trades?limit=5")
BEHIND = "X-Dashboard-Behind"
UNREADABLE = (
    "garbage",
    "garbage.1",
    "..",
    "ffffffffffffffff.0",
    "1-ffffffff.0",
    "9-1.99999999999999",
    "é" * 99,
)


@pytest.fixture
async def instances(account: int, database_url: str) -> AsyncIterator[tuple[Page, Page]]:
    async with dashboard(database_url, followed=False) as one, dashboard(database_url, followed=False) as other:
        yield one, other


async def shows(page: Page, path: str, trade: int) -> bool:
    body = await page.get(path)
    return any(sign in body for sign in (f'"id":{trade},', f"/trades/{trade}?", f'id="trade-{trade}"'))


async def trade(connection: asyncpg.Connection, session: int) -> int:
    return await insert(connection, "trades", session_id=session, pnl=1, exit_time=now())


async def test_no_read_misses_what_was_committed_before(
    instances: tuple[Page, Page], connection: asyncpg.Connection, account: int
) -> None:
    reads = itertools.cycle(itertools.product(READS, instances))
    for _ in range(COMMITS):
        newest = await trade(connection, account)
        for path, instance in itertools.islice(reads, 5):
            assert await shows(instance, path, newest), path


async def test_any_instance_understands_a_signal_of_another(
    instances: tuple[Page, Page], connection: asyncpg.Connection, account: int
) -> None:
    one, other = instances
    viewer = one.parts.hub.subscribe(BotScope(account))
    for _ in range(COMMITS // 10):
        newest = await trade(connection, account)
        async with waiting():
            while "trade_list" not in (signal := await signal_to(viewer)).sections:
                pass
        assert await shows(other, f"/partials?names=trade_list&at={signal.version}", newest)


async def test_a_page_that_another_instance_made_fetches_nothing_twice(instances: tuple[Page, Page]) -> None:
    """Its stream may lead to another one: it asks once for what that one names otherwise, and nothing has changed."""
    one, other = instances
    html = await one.get("/")
    shown = json.loads(unescape(re.findall(r'data-versions="(.*?)"', html)[0]))
    hashes = dict(re.findall(r'id="(\w+)" data-hash="(\w+)"', html))
    named = other.parts.hub.hello(BotScope(1))["versions"]
    assert isinstance(named, dict)
    stale = [name for name, version in named.items() if name in shown and version != shown[name] and name in hashes]
    assert stale
    asked = {"names": ",".join(stale), "have": ",".join(hashes[name] for name in stale), "at": [*named.values()][-1]}
    response = await other.client.get("/partials", query_string={**asked, "bot": "1"})
    assert (response.status_code, await response.get_data(as_text=True)) == (204, "")
    assert other.parts.hub.hello(BotScope(1))["versions"] == named


async def test_what_another_instance_saw_by_the_clock_is_reread(instances: tuple[Page, Page]) -> None:
    """That nothing was written for long is in no row: whoever answers has to find it out too."""
    one, other = instances
    versions = other.parts.hub.versions
    for page in instances:
        await page.get("/partials/state?bot=1")
    before = versions.changed(BotScope(1), "state")
    one.parts.hub.publish(1, ("state",))
    await other.get(f"/partials/state?bot=1&at={one.parts.hub.versions.of(BotScope(1), 'state')}")
    assert versions.changed(BotScope(1), "state") > before


async def test_a_version_that_nobody_can_read_costs_one_poll(
    instances: tuple[Page, Page], connection: asyncpg.Connection, account: int
) -> None:
    page, _ = instances
    newest, polls = await trade(connection, account), page.parts.feed.state.polls
    for version in UNREADABLE:
        response = await page.client.get("/partials/trade_list", query_string={"at": version})
        assert response.status_code == 200
        assert f'id="trade-{newest}"' in await response.get_data(as_text=True)
    # While nobody looks, it polls once a second by itself.
    assert page.parts.feed.state.polls - polls <= len(UNREADABLE) + 5


async def test_versions_of_other_times_read_a_section_once_a_second(instances: tuple[Page, Page]) -> None:
    """Anybody can send them; whoever looks at the same bot must not pay for it."""
    page, _ = instances
    await page.get("/partials/trade_list")
    versions, began = page.parts.hub.versions, SYSTEM_CLOCK.since_1970()
    seen = set[int]()

    async def ask(number: int) -> None:
        await page.get(f"/partials/trade_list?at=.{round(began * 1000) + 10 * number}")
        seen.add(versions.changed(BotScope(1), "trade_list"))

    await asyncio.gather(*map(ask, range(150)))
    assert len(seen) <= SYSTEM_CLOCK.since_1970() - began + 2


async def test_a_version_of_this_instance_costs_none(instances: tuple[Page, Page]) -> None:
    page, _ = instances
    await page.get("/partials/trade_list")
    version, polls = page.parts.hub.versions.of(BotScope(1), "trade_list"), page.parts.feed.state.polls
    for _ in range(50):
        await page.get(f"/partials/trade_list?at={version}")
    assert page.parts.feed.state.polls - polls < 25


async def test_a_sign_in_on_one_is_good_on_all(account: int, database_url: str) -> None:
    async with (
        dashboard(database_url, followed=False, ENV="production") as one,
        dashboard(database_url, followed=False, ENV="production") as other,
    ):
        assert (await other.client.get("/api/balance")).status_code == 401
        answer = await one.client.post("/login", form={"token": TOKEN})
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        assert (await other.client.get("/api/balance", headers={"Cookie": cookie})).status_code == 200


async def test_an_adjusted_balance_is_seen_on_every_instance(account: int, database_url: str) -> None:
    async with dashboard(database_url, followed=False) as one, dashboard(database_url, followed=False) as other:
        for balance, (at, elsewhere) in enumerate(itertools.permutations((one, other)), 500):
            answer = await at.client.post("/api/balance", json={"balance": balance}, headers=OPERATOR)
            assert answer.status_code == 200
            assert (await elsewhere.json("/api/balance"))["balance"] == balance
            assert (await at.json("/api/balance"))["balance"] == balance


@pytest.fixture
async def replica(server: EmbeddedServer, account: int) -> AsyncIterator[EmbeddedServer]:
    async with standby_of(server) as standby:
        yield standby


async def test_a_standby_is_read_as_it_has_replayed_or_marked(
    replica: EmbeddedServer, server: EmbeddedServer, connection: asyncpg.Connection, database_url: str, account: int
) -> None:
    url = replica.url(database_url.rpartition("/")[2].partition("?")[0])
    admin = await asyncpg.connect(url)
    async with dashboard(url, followed=False) as page:
        for path in READS:
            newest = await trade(connection, account)
            await caught_up(server, replica)
            assert await shows(page, path, newest), path
        assert BEHIND not in (await page.client.get("/")).headers
        await admin.execute("SELECT pg_wal_replay_pause()")
        newest = await trade(connection, account)
        await until(lambda: is_marked(page, "/api/trades"))
        assert "The database is behind" in await page.get("/")
        assert (await page.json("/api/status"))["feed"]["behind"] is True
        assert not await shows(page, "/", newest)
        await admin.execute("SELECT pg_wal_replay_resume()")
        await until(lambda: shows(page, "/", newest))
        await until(lambda: is_unmarked(page, "/"))
        assert "The database is behind" not in await page.get("/")
    await admin.close()


async def test_a_standby_that_receives_nothing_is_marked(
    replica: EmbeddedServer, server: EmbeddedServer, database_url: str
) -> None:
    url = replica.url(database_url.rpartition("/")[2].partition("?")[0])
    async with dashboard(url, followed=False) as page:
        assert not await is_marked(page, "/")
        await asyncio.to_thread(server.stop_database)
        await until(lambda: is_marked(page, "/"))
        await asyncio.to_thread(server.start_database)
        await until(lambda: is_unmarked(page, "/"))


async def is_marked(page: Page, path: str) -> bool:
    headers: Any = (await page.client.get(path)).headers
    return BEHIND in headers


async def is_unmarked(page: Page, path: str) -> bool:
    return not await is_marked(page, path)


async def test_an_instance_signals_what_only_another_has_loaded(
    instances: tuple[Page, Page], connection: asyncpg.Connection, account: int
) -> None:
    """A page may follow one instance, and the balancer give all that it fetches to another."""
    one, other = instances
    viewer = one.parts.hub.subscribe(BotScope(account))
    await other.get("/")
    await insert(connection, "risk_adjustments", session_id=account, parameter_name="x")
    async with waiting():
        while "factor" not in (await signal_to(viewer)).sections:
            pass


async def test_what_nobody_fetches_here_is_loaded_now_and_then(instances: tuple[Page, Page], account: int) -> None:
    """So it is known what it is read from."""
    one, _ = instances
    loaded = one.parts.fragments.stale
    before = {name: loaded.tables(name) for name in one.parts.hub.sections}
    one.parts.hub.subscribe(BotScope(account))
    await until(lambda: any(loaded.tables(name) > before[name] for name in before))


async def test_an_open_page_is_given_nothing_that_looks_current(
    instances: tuple[Page, Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the feed has not caught up with what the page was told elsewhere, it has to ask again."""
    page, _ = instances
    path, asked_by_page = "/partials?names=trade_list&at=abc.1", {"HX-Request": "true"}
    with monkeypatch.context() as slow:
        slow.setattr(catch_up, "MAX_POLL_SECONDS", 0)
        assert (await page.client.get(path, headers=asked_by_page)).status_code == 503
    assert (await page.client.get(path, headers=asked_by_page)).status_code == 200
