"""Several sections in one answer, as an open page fetches what changed: GET /partials?names=…"""

import asyncio
import re
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from monitoring.sections import BY_NAME, SECTIONS, Context, custom
from tests.clocks import RunningClock
from tests.faults.page import dashboard
from tests.history import seed_account
from tests.rows import ago, insert, now
from tests.web.openapi_check import faults

PAGE = {"HX-Request": "true"}
ROOT = re.compile(r'id="(\w+)" data-hash="(\w+)"')
"""What tells a section's root from all other elements: its name and its hash."""


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    return await seed_account(connection)


async def fetch(client: Any, names: str, query: str = "") -> str:
    response = await client.get(f"/partials?names={names}{query}", headers=PAGE)
    assert response.status_code == 200
    assert response.content_type.startswith("text/html")
    return str(await response.get_data(as_text=True))


async def test_all_sections_are_listed(account: int, client: Any) -> None:
    listed = await (await client.get("/partials")).get_json()
    expected = [section.name for section in SECTIONS if section is not custom.SECTION]
    assert [one["name"] for one in listed] == expected
    for one in listed:
        page = await client.get(one["page"].format(trade=1))
        assert f'id="{one["name"]}"' in await page.get_data(as_text=True)


async def test_several_sections_come_in_the_order_asked(account: int, client: Any) -> None:
    found = ROOT.findall(await fetch(client, "trade_list,state,risk_now"))
    assert [name for name, _ in found] == ["trade_list", "state", "risk_now"]
    for root in found:
        alone = await client.get(f"/partials/{root[0]}", headers=PAGE)
        assert ROOT.findall(await alone.get_data(as_text=True)) == [root]


async def test_parameters_of_a_section_are_passed_on(account: int, client: Any) -> None:
    page = await (await client.get("/partials/trade_list")).get_data(as_text=True)
    older = re.findall(r"[?;]after=([^\"&#]+)", page)[0]
    html = await fetch(client, "risk_now,trade_list", f"&after={older}&range=7d")
    assert html.count('<tr id="trade-') == 10


async def test_what_the_page_has_is_left_out(account: int, client: Any, connection: asyncpg.Connection) -> None:
    names = "trade_list,activity,risk_now"
    hashes = [known for _, known in ROOT.findall(await fetch(client, names))]
    same = await client.get(f"/partials?names={names}&have={','.join(hashes)}", headers=PAGE)
    assert (same.status_code, await same.get_data()) == (204, b"")
    await insert(connection, "system_events", session_id=account, message="something new", timestamp=now())
    changed = await client.get(f"/partials?names={names}&have={','.join(hashes)}")
    html = await changed.get_data(as_text=True)
    assert [name for name, _ in ROOT.findall(html)] == ["activity"]
    assert "something new" in html
    unknown = await fetch(client, names, f"&have=,{hashes[1]},")
    assert [name for name, _ in ROOT.findall(unknown)] == ["trade_list", "activity", "risk_now"]


@pytest.mark.parametrize("minutes", [0, 20], ids=["fresh price", "old price"])
async def test_an_age_alone_is_nothing_new(
    connection: asyncpg.Connection, account: int, database_url: str, minutes: int
) -> None:
    """An open page counts ages by itself."""
    clock = RunningClock()
    priced = {"stop_loss": 40_000, "current_price": 50_000, "last_update": ago(minutes=minutes)}
    await insert(connection, "positions", session_id=account, entry_time=now(), **priced)
    async with dashboard(database_url, followed=False, clock=clock.clock) as page:
        before = await page.get("/partials?names=open_positions")
        clock.forward(minutes=5)
        page.parts.hub.publish(None, ["open_positions"])
        after = await page.get("/partials?names=open_positions")
        assert before != after
        assert ROOT.findall(before) == ROOT.findall(after)


async def test_a_section_that_fails_says_so_in_its_place(
    account: int, client: Any, connection: asyncpg.Connection
) -> None:
    await connection.execute("ALTER TABLE system_events RENAME TO not_there")
    html = await fetch(client, "trade_list,faults,activity")
    assert [name for name, _ in ROOT.findall(html)] == ["trade_list", "faults", "activity"]
    assert html.count("no table system_events") == 2
    assert html.count('<tr id="trade-') == 30


async def test_a_slow_section_holds_up_no_other(account: int, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open page is told which one comes later, and asks for it again; a program waits."""
    quick, ready = BY_NAME["risk_now"], asyncio.Event()

    async def load(context: Context) -> object:
        await ready.wait()
        return await quick.load(context)

    monkeypatch.setitem(BY_NAME, "risk_now", replace(quick, load=load))
    html = await fetch(client, "trade_list,risk_now,state")
    assert [name for name, _ in ROOT.findall(html)] == ["trade_list", "state"]
    assert '<template data-later="risk_now"></template>' in html
    waiting = asyncio.create_task(client.get("/partials?names=trade_list,risk_now"))
    ready.set()
    assert [name for name, _ in ROOT.findall(await fetch(client, "risk_now"))] == ["risk_now"]
    assert "data-later" not in await (await waiting).get_data(as_text=True)


WRONG_REQUESTS = (
    ("names=trade_list,nothing", 404, "nothing"),
    ("names=", 404, "expected one of state"),
    ("names=trade_list,risk_now,trade_list", 422, "trade_list stands there twice"),
    ("names=" + ",".join(["trade_list"] * 21), 422, "21 sections, expected at most 20"),
    ("names=trade_list,risk_now&have=abc", 422, "have: 1 hashes, expected one for each of 2 names"),
    ("names=trade_list&range=forever", 422, "expected one of"),
    ("names=trade_list&before=yesterday", 422, "before"),
    ("names=trade_list&bot=77", 404, "77"),
)


async def test_a_wrong_request_is_answered_with_the_reason(account: int, client: Any) -> None:
    for query, status, words in WRONG_REQUESTS:
        response = await client.get(f"/partials?{query}", headers={**PAGE, "Accept": "text/html"})
        assert (query, response.status_code) == (query, status)
        assert words in (await response.get_json())["error"]["message"]


async def test_who_opens_an_answer_as_a_page_is_protected(account: int, client: Any) -> None:
    """What a script fetches needs less; its headers are most of what an open page receives."""
    opened = await client.get("/partials?names=risk_now")
    fetched = await client.get("/partials?names=risk_now", headers=PAGE)
    assert "default-src 'none'" in opened.headers["Content-Security-Policy"]
    assert "Content-Security-Policy" not in fetched.headers
    for answer in (opened, fetched):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_the_list_is_as_described(account: int, client: Any) -> None:
    spec = await (await client.get("/openapi.json")).get_json()
    answers = spec["paths"]["/partials"]["get"]["responses"]
    schema = answers["200"]["content"]["application/json"]["schema"]
    assert faults(spec, schema, await (await client.get("/partials")).get_json()) == []
    assert "text/html" in answers["200"]["content"]
    assert "204" in answers
    assert "names" in {parameter["name"] for parameter in spec["paths"]["/partials"]["get"]["parameters"]}
