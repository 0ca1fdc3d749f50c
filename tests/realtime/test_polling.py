"""Socket.IO by polling, as clients begin by default: who is let in, what they hear, and what becomes of strangers."""

import asyncio
import contextlib
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import httpx
import pytest
import socketio
from websockets.asyncio.client import ClientConnection, connect

from monitoring.realtime import seats
from tests.engine_io import let_in, raw
from tests.history import seed_account
from tests.realtime.bare import Bare, complaints
from tests.rows import insert, now
from tests.running import run_dashboard
from tests.secrets import SECRETS, TOKEN
from tests.waiting import WAIT_SECONDS, until, waiting

PATH = "/socket.io/?EIO=4&transport=polling"
PRODUCTION = {"ENV": "production", **SECRETS}


@dataclass(frozen=True)
class Poller:
    """A connection by polling, of which every request is made by hand."""

    http: httpx.AsyncClient
    url: str

    async def send(self, *packets: str) -> httpx.Response:
        return await self.http.post(self.url, content="\x1e".join(packets))

    async def poll(self) -> list[str]:
        answer = await self.http.get(self.url)
        assert answer.status_code == 200, answer.text
        return answer.text.split("\x1e")

    async def packet(self) -> str:
        """The next one, which must come alone."""
        (packet,) = await self.poll()
        return packet


@asynccontextmanager
async def shaken(host: str, **headers: str) -> AsyncIterator[Poller]:
    """After the handshake, and before the introduction."""
    async with httpx.AsyncClient(headers=headers, timeout=WAIT_SECONDS) as http:
        answer = await http.get(f"http://{host}{PATH}")
        assert answer.status_code == 200, answer.text
        yield Poller(http, f"http://{host}{PATH}&sid={json.loads(answer.text[1:])['sid']}")


@asynccontextmanager
async def introduced(host: str, auth: str = "") -> AsyncIterator[Poller]:
    async with shaken(host) as poller:
        assert (await poller.send(f"40{auth}")).status_code == 200
        first, *events = await poller.poll()
        assert first.startswith("40"), first
        assert [json.loads(event[2:])[0] for event in events] == ["hello" if auth else "connected"]
        yield poller


@pytest.mark.filterwarnings("ignore:.*Connection.__del__:pytest.PytestUnraisableExceptionWarning")  # the client library
@pytest.mark.parametrize("transports", [None, ["polling"], ["websocket"]])
async def test_programs_hear_everything_whatever_they_begin_with(
    database_url: str, connection: asyncpg.Connection, transports: list[str] | None
) -> None:
    await seed_account(connection)
    session = await connection.fetchval("SELECT max(id) FROM trading_sessions")
    heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def event(name: str) -> Any:
        async with waiting():
            while (found := await heard.get())[0] != name:
                pass
        return found[1]

    async with run_dashboard("--db-url", database_url) as running, aiohttp.ClientSession() as http:
        client = socketio.AsyncClient(reconnection=False, http_session=http)
        client.on("*", lambda name, payload: heard.put_nowait((name, payload)))
        await client.connect(running.url, transports=transports)
        assert client.transport() == ("polling" if transports == ["polling"] else "websocket")
        assert "status" in await event("connected")
        await client.emit("request_update")
        assert (await event("metrics_update"))["total_trades"] == 40
        trade = await insert(connection, "trades", session_id=session, pnl=7, exit_time=now())
        assert [row["id"] for row in (await event("trade_update"))["trades"]] == [trade]
        position = await insert(connection, "positions", session_id=session)
        assert [row["id"] for row in (await event("position_update"))["positions"]] == [position]
        await client.disconnect()
    del client
    gc.collect()  # what the client library leaves open is complained of here, not in a later test


async def test_only_the_operator_is_let_in(database_url: str) -> None:
    async def answer(auth: str = "", **headers: str) -> str:
        async with shaken(running.url.removeprefix("http://"), **headers) as client:
            await client.send(f"40{auth}")
            return (await client.poll())[0]

    refused = '44{"message":"unauthorized"}'
    async with run_dashboard("--db-url", database_url, **PRODUCTION) as running:
        assert await answer() == refused
        assert await answer('{"token":"wrong"}') == refused
        assert (await answer(json.dumps({"token": TOKEN}))).startswith("40")
        assert (await answer(**{"X-Dashboard-Token": TOKEN})).startswith("40")
        async with httpx.AsyncClient() as browser:
            await browser.post(f"{running.url}/login", data={"token": TOKEN})
            cookie = f"monitoring={browser.cookies['monitoring']}"
        assert (await answer(Cookie=cookie)).startswith("40")
        assert await answer(Cookie=cookie[:-2]) == refused
        assert TOKEN not in "".join(running.log)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}, 200),
    ],
)
async def test_pages_of_other_sites_are_refused(bare: Bare, headers: dict[str, str], status: int) -> None:
    async with httpx.AsyncClient() as http:
        for method in ("GET", "OPTIONS"):
            answer = await http.request(method, f"http://{bare.host}{PATH}", headers=headers)
            assert answer.status_code == status
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed == (headers.get("Origin") if status == 200 else None)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("EIO=3&transport=polling", 400),
        ("transport=polling", 400),
        ("EIO=4&transport=websocket", 400),
        ("EIO=4&transport=flash", 400),
        ("EIO=4&transport=polling&j=0", 400),
        ("EIO=4&transport=polling&sid=nobody", 400),
        ("EIO=4&transport=polling&sid=%0aERROR%20forged", 400),
        ("%ff=%00&EIO=4", 200),
    ],
)
async def test_odd_handshakes_are_answered_and_not_logged(
    bare: Bare, query: str, status: int, quiet_log: pytest.LogCaptureFixture
) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://{bare.host}/socket.io/?{query}")).status_code == status
        assert (await http.put(f"http://{bare.host}/socket.io/?{query}")).status_code in (400, 405)
    assert complaints(quiet_log) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"42" + json.dumps(["a", "b" * 17_000]).encode(), 413),
        (b"42[", 400),
        (b"", 400),
        (b"d=40", 400),
        (b"\xff\xfe", 400),
        (b"bAAEC", 400),
        (b"2probe", 400),
        (b"5", 400),
        (b"\x1e".join([b"3"] * 17), 400),
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_nonsense_closes_the_connection_and_nothing_else(
    bare: Bare, body: bytes, status: int, chunked: bool, quiet_log: pytest.LogCaptureFixture
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 4000):
            yield body[start : start + 4000]

    async with let_in(bare.host) as page, introduced(bare.host) as fool:
        await page.event("hello")
        answer = await fool.http.post(fool.url, content=pieces() if chunked else body)
        assert answer.status_code == status
        assert (await fool.send("3")).status_code == 400
        bare.hub.publish(7, ("trades",))
        await page.event("stale")
        assert bare.sockets.listeners == 0
    assert complaints(quiet_log) == []


async def test_a_body_in_pieces_is_taken_whole(bare: Bare) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'42["request_'
        yield b'update"]'

    async with introduced(bare.host) as program:
        assert (await program.http.post(program.url, content=pieces())).status_code == 200
        assert json.loads((await program.packet())[2:])[0] == "metrics_update"


async def test_strangers_take_no_seat(bare: Bare, quiet_log: pytest.LogCaptureFixture) -> None:
    bare.hub.most_viewers = 3
    async with introduced(bare.host) as early, httpx.AsyncClient() as crowd:
        for _ in range(100):
            assert (await crowd.get(f"http://{bare.host}{PATH}")).status_code == 200
        assert len(bare.sockets.server.eio.sockets) <= 3
        async with let_in(bare.host) as page, introduced(bare.host, '{"fragments":true}'):
            await page.event("hello")
            assert bare.hub.viewers == 2
            # Now every seat is taken, for either kind of connection.
            assert (await crowd.get(f"http://{bare.host}{PATH}")).status_code == 503
            await bare.sockets.emit("trade_update", {"trades": []})
            assert await early.packet() == '42["trade_update",{"trades":[]}]'
    assert complaints(quiet_log) == []


async def test_a_stranger_by_websocket_yields_its_place(bare: Bare) -> None:
    bare.hub.most_viewers = 1
    async with raw(bare.host) as stranger, introduced(bare.host):
        await stranger.closed()


@pytest.mark.parametrize("refused", [False, True])
async def test_strangers_are_let_go_after_a_while(
    bare: Bare, monkeypatch: pytest.MonkeyPatch, refused: bool, quiet_log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(seats, "INTRODUCTION_SECONDS", 0.2)
    bare.until = None if refused else bare.until
    async with shaken(bare.host) as stranger:
        if refused:
            await stranger.send("40")
            assert await stranger.packet() == '44{"message":"unauthorized"}'
        assert await stranger.packet() == "1"
        await bare.empty()
        assert (await stranger.send("40")).status_code == 400
    assert complaints(quiet_log) == []


@pytest.mark.parametrize("first", ["3", "41", '42["request_update"]', "junk"])
async def test_nothing_is_done_for_strangers(bare: Bare, first: str) -> None:
    async with shaken(bare.host) as stranger:
        assert (await stranger.send(first)).status_code == 400
        await bare.empty()
    assert bare.computed == 0


async def test_who_never_polls_again_is_let_go(bare: Bare) -> None:
    async with introduced(bare.host):
        assert bare.sockets.listeners == 1
        for number in range(100):
            await bare.sockets.emit("trade_update", {"trades": [number]})
        assert bare.sockets.listeners == 0
        await bare.empty()


async def test_who_says_nothing_to_a_ping_is_let_go(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare.sockets.server.eio, "ping_interval", 0.1)
    monkeypatch.setattr(bare.sockets.server.eio, "ping_timeout", 0.2)
    async with introduced(bare.host):
        await bare.empty()
        assert bare.sockets.listeners == 0


async def test_who_breaks_off_a_poll_is_let_go_at_once(bare: Bare, quiet_log: pytest.LogCaptureFixture) -> None:
    async with introduced(bare.host) as program:
        with pytest.raises(httpx.ReadTimeout):
            await program.http.get(program.url, timeout=0.3)
        await bare.empty()
    assert bare.sockets.listeners == 0
    assert complaints(quiet_log) == []


async def test_two_polls_at_a_time_are_refused(bare: Bare) -> None:
    async with introduced(bare.host) as program:
        first = asyncio.create_task(program.packet())
        await until(lambda: any(connection.queue._getters for connection in bare.sockets.server.eio.sockets.values()))
        assert (await program.http.get(program.url)).status_code == 400
        await bare.sockets.emit("trade_update", {"trades": []})
        assert await first == '42["trade_update",{"trades":[]}]'


async def test_who_was_answered_may_ask_again_at_once(bare: Bare) -> None:
    async with introduced(bare.host) as program:
        for number in range(2):
            await bare.sockets.emit("trade_update", {"trades": [number]})
        reader, writer = await asyncio.open_connection(*bare.host.split(":"))
        path = program.url.partition(bare.host)[2]
        # Both at once over one connection: the second is taken up in the moment that the first is answered.
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {bare.host}\r\n\r\n".encode() * 2)
        async with waiting():
            assert b"[0]}" in await reader.readuntil(b"[1]}]")
            await bare.sockets.emit("trade_update", {"trades": [2]})
            assert b" 200 OK" in await reader.readuntil(b"[2]}]")
        writer.close()
        await writer.wait_closed()


async def test_who_leaves_is_forgotten(bare: Bare) -> None:
    async with introduced(bare.host) as program, introduced(bare.host, '{"fragments":true}') as page:
        assert (bare.hub.viewers, bare.sockets.listeners) == (1, 1)
        await program.send("41", "1")
        await page.send("1")
        await bare.empty()
    assert bare.hub.viewers == bare.sockets.listeners == 0


@asynccontextmanager
async def upgrading(poller: Poller) -> AsyncIterator[ClientConnection]:
    address = poller.url.replace("http://", "ws://").replace("transport=polling", "transport=websocket")
    async with connect(address, compression=None, proxy=None) as socket:
        yield socket


async def test_a_websocket_that_breaks_leaves_the_polling(bare: Bare) -> None:
    """As behind a proxy that lets WebSockets begin and nothing more."""
    async with introduced(bare.host) as program:
        async with upgrading(program):
            pass
        await until(lambda: not any(found.upgrading for found in bare.sockets.server.eio.sockets.values()))
        asking = asyncio.create_task(program.packet())
        await bare.sockets.emit("trade_update", {"trades": []})
        assert await asking == '42["trade_update",{"trades":[]}]'


@pytest.mark.parametrize("messages", [["junk"], ["5"], ["40"], ["2probe", "40"], ["2probe", "5", "junk"]])
async def test_an_upgrade_is_a_probe_and_nothing_else(
    bare: Bare, messages: list[str], quiet_log: pytest.LogCaptureFixture
) -> None:
    async with introduced(bare.host) as fool, upgrading(fool) as socket:
        for message in messages:
            await socket.send(message)
        async with waiting():
            with contextlib.suppress(Exception):
                while True:
                    await socket.recv()
        assert socket.close_code == 1008
    assert complaints(quiet_log) == []


async def test_a_server_that_stops_waits_for_no_poll(database_url: str) -> None:
    async with run_dashboard("--db-url", database_url) as running:
        async with introduced(running.url.removeprefix("http://")) as program:
            asking = asyncio.create_task(program.poll())
            await asyncio.sleep(0.3)  # until it is asking: nothing tells
            running.process.terminate()
            assert (await asking)[-1] == "1"
        assert await running.process.wait() == 0
    assert "ERROR" not in "".join(running.log)
