"""Socket.IO: which clients are let in, what each is sent, and what happens to clients that send nonsense."""

import json
import time

import httpx
import pytest
from quart import Quart
from websockets.exceptions import InvalidStatus

from monitoring.app import asgi
from monitoring.scope_key import CURRENT, SessionScope
from monitoring.services import KEY, Services
from monitoring.transports import connections, websocket_guard
from tests.engine_io import OWN_PAGE, let_in, raw
from tests.rows import insert
from tests.secrets import SECRETS, TOKEN
from tests.serving import served
from tests.transports.bare import Bare, complaints

POLICY = 1008
TOO_BIG = 1009
PRODUCTION = {"ENV": "production", **SECRETS}


async def test_our_own_page_gets_hello_and_what_goes_stale(bare: Bare) -> None:
    async with let_in(bare.host) as page:
        hello = await page.event("hello")
        assert hello["versions"] == bare.hub.versions.all(CURRENT)
        bare.hub.publish(7, ("trade_list", "risk_now"))
        assert await page.event("stale") == {**bare.hub.versions.all(CURRENT), "gap": 1000}
        assert await page.silent()


async def test_other_clients_get_the_events_they_know(bare: Bare) -> None:
    async with let_in(bare.host, None) as program:
        assert "status" in await program.event("connected")
        bare.hub.publish(7, ("trade_list",))
        bare.streams.emit("trade_update", {"trades": [{"id": 1}]})
        assert await program.event("trade_update") == {"trades": [{"id": 1}]}
    assert bare.hub.viewers == 0


async def test_what_is_sent_to_many_is_written_once(bare: Bare) -> None:
    async with let_in(bare.host) as one, let_in(bare.host) as other:
        await one.event("hello")
        await other.event("hello")
        bare.hub.publish(7, ("trade_list",))
        expected = {"trade_list": bare.hub.versions.of(CURRENT, "trade_list"), "gap": 1000}
        assert await one.event("stale") == await other.event("stale") == expected


async def test_a_client_that_leaves_is_removed(bare: Bare) -> None:
    async with let_in(bare.host) as page, let_in(bare.host, None) as program:
        await page.event("hello")
        await program.event("connected")
        assert (bare.hub.viewers, len(bare.streams)) == (1, 1)
        await page.send("41")
        await page.closed()
    await bare.empty()
    assert bare.hub.viewers == len(bare.streams) == 0


@pytest.mark.parametrize("session", ["8", "-1", "x" * 1000, "7 OR 1=1", [], {}, ["7"], True, 1.5, 0])
async def test_unknown_sessions_are_refused_with_a_sentence(
    bare: Bare, session: object, quiet_log: pytest.LogCaptureFixture
) -> None:
    async with raw(bare.host) as client:
        answer = await client.introduce({"fragments": True, "session": session})
        assert answer.startswith("44")
        assert "expected current or the id" in json.loads(answer[2:])["message"]
        await client.closed()
    assert bare.hub.viewers == 0
    assert complaints(quiet_log) == []


@pytest.mark.parametrize("session", ["7", 7, "current", "", None])
async def test_known_sessions_are_followed(bare: Bare, session: object) -> None:
    async with let_in(bare.host, {"fragments": True, "session": session}) as page:
        await page.event("hello")
        bare.hub.publish(7, ("risk_now",))
        assert (await page.event("stale")).keys() == {"risk_now", "gap"}


async def test_a_client_may_read_no_longer_than_its_cookie(bare: Bare) -> None:
    bare.may_read_until = bare.clock.clock.since_1970() + 600
    async with let_in(bare.host) as page:
        await page.event("hello")
        bare.hub.publish(7, ("trade_list",))
        await page.event("stale")
        bare.clock.forward(minutes=10)
        bare.hub.publish(7, ("risk_now",))
        await page.closed()
    bare.may_read_until = None
    async with raw(bare.host) as page:
        assert await page.introduce(OWN_PAGE) == '44{"message":"unauthorized"}'
        await page.closed()


async def test_a_quiet_client_too_goes_when_its_cookie_ends(bare: Bare) -> None:
    bare.may_read_until = bare.clock.clock.since_1970() + 0.5
    async with let_in(bare.host) as page:
        await page.event("hello")
        await page.closed()


async def test_asking_often_computes_seldom(bare: Bare) -> None:
    async with let_in(bare.host, None) as eager, let_in(bare.host, None) as other:
        await eager.event("connected")
        await other.event("connected")
        for _ in range(15):
            await eager.send('42["request_update"]')
        await other.send('42["request_update",{"of":"a kind"},1,2,3]')
        assert await eager.event("metrics_update") == {"computed": 1}
        assert (await other.event("metrics_update"))["computed"] <= 2
        assert bare.computed <= 2


async def test_metrics_that_fail_are_logged_and_asked_for_again(
    bare: Bare, quiet_log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> object:
        raise ValueError("no metrics")

    async with let_in(bare.host, None) as program:
        await program.event("connected")
        with monkeypatch.context() as patched:
            patched.setattr(bare.sockets.metrics, "read_or_empty", fails)
            await program.send('42["request_update"]')
            assert await program.silent()
        assert complaints(quiet_log) == ["request_update failed"]
        await program.send('42["request_update"]')
        assert await program.event("metrics_update") == {"computed": 1}


@pytest.mark.parametrize(
    "message",
    [
        *("", "x", "4", "5", "6", "0{}", "2", "9", "é", "42", "42{}", "42[]", "42[1]", "42[[1]]", "42[", "42null"),
        *("43[]", "44{}", "45-[]", '451-["a",{"_placeholder":true,"num":0}]', "46-[]", '42/admin,["a"]', "40/admin,"),
        *('42["connect"]', '42["connect",{},{}]', '42["disconnect"]', '421["connect_error"]', "40[]", "400{}"),
        "42" + "[" * 8000,
        '42["a",' + "9" * 5000 + "]",
        "42" + "1" * 200 + '["a"]',
        b"\x00\x01",
        b'42["request_update"]',
    ],
    ids=lambda message: repr(message)[:30],
)
async def test_nonsense_closes_the_connection_and_nothing_else(
    bare: Bare, message: str | bytes, quiet_log: pytest.LogCaptureFixture
) -> None:
    async with let_in(bare.host) as page, let_in(bare.host) as bad:
        await page.event("hello")
        await bad.send(message)
        assert await bad.closed() == POLICY
        bare.hub.publish(7, ("trade_list",))
        await page.event("stale")
        assert complaints(quiet_log) == []
        assert bare.hub.viewers == 1


async def test_long_messages_are_refused(bare: Bare, quiet_log: pytest.LogCaptureFixture) -> None:
    async with let_in(bare.host) as bad:
        await bad.send("42" + json.dumps(["a", "b" * 20_000]))
        assert await bad.closed() == TOO_BIG
    assert complaints(quiet_log) == []


@pytest.mark.parametrize("first", ["3", "41", '42["request_update"]', "1", "junk"])
async def test_a_client_must_introduce_itself_first(bare: Bare, first: str) -> None:
    async with raw(bare.host) as anonymous:
        await anonymous.send(first)
        assert await anonymous.closed() == POLICY
    assert bare.computed == 0


async def test_a_silent_client_is_disconnected(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "INTRODUCTION_SECONDS", 0.1)
    async with raw(bare.host) as anonymous:
        assert await anonymous.closed() == POLICY


async def test_a_client_that_sends_many_messages_is_slowed_down(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_guard, "BURST_COUNT", 5)
    monkeypatch.setattr(websocket_guard, "MESSAGES_PER_SECOND", 20)
    async with let_in(bare.host, None) as eager:
        await eager.event("connected")
        started = time.monotonic()
        for number in range(14):
            await eager.send(f'42{number}["unknown"]')
        await eager.send('4299["request_update"]')
        while await eager.packet() != "4399[]":
            pass
        assert time.monotonic() - started > 10 / 20


async def test_too_many_pages_are_refused(bare: Bare) -> None:
    bare.hub.max_viewers = 2
    async with let_in(bare.host), let_in(bare.host, None):
        with pytest.raises(InvalidStatus) as refused:
            await raw(bare.host).__aenter__()
        assert refused.value.response.status_code == 503
    await bare.empty()
    async with let_in(bare.host) as page:
        await page.event("hello")


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 403), ("null", 403), ("http://[", 403), ("https://friend.example", None)],
)
async def test_pages_of_other_sites_are_refused(bare: Bare, origin: str, status: int | None) -> None:
    if status is None:
        async with let_in(bare.host, Origin=origin):
            return
    with pytest.raises(InvalidStatus) as refused:
        await raw(bare.host, Origin=origin).__aenter__()
    assert refused.value.response.status_code == status


@pytest.mark.parametrize("token", [[], {}, 1, True, "\ud800", "wrong", "\x00", f"{TOKEN} "])
async def test_tokens_of_wrong_kinds_are_wrong_tokens(
    database_url: str, token: object, quiet_log: pytest.LogCaptureFixture
) -> None:
    app = make_app(database_url, **PRODUCTION)
    async with served(asgi(app)) as host, raw(host) as anonymous:
        assert await anonymous.introduce({"token": token, "fragments": True}) == '44{"message":"unauthorized"}'
        await anonymous.closed()
    assert complaints(quiet_log) == []


async def test_sessions_are_those_of_the_database(database_url: str, connection: object) -> None:
    first = await insert(connection, "trading_sessions", mode="LIVE")  # type: ignore[arg-type]
    app = make_app(database_url)
    parts: Services = app.extensions[KEY]
    async with served(asgi(app)) as host:
        async with let_in(host, {"fragments": True, "session": str(first)}) as page:
            await page.event("hello")
            assert parts.hub.viewed() == {SessionScope(first)}
        async with raw(host) as anonymous:
            assert (await anonymous.introduce({"fragments": True, "session": str(first + 1)})).startswith("44")
        parts.hub.max_viewers = 0
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://{host}/events")).status_code == 503
        parts.hub.close()


def make_app(url: str, **environ: str) -> Quart:
    from monitoring.app import create_app
    from monitoring.config import load_settings

    return create_app(load_settings({"DATABASE_URL": url, **environ}))
