"""Socket.IO by polling, as clients begin by default: who is let in, what clients get, and what is refused."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import asyncpg
import httpx
import pytest
import socketio

from tests.engine_io import let_in
from tests.history import seed_account
from tests.rows import insert, now
from tests.running import run_dashboard
from tests.secrets import SECRETS, TOKEN
from tests.transports.bare import Bare, complaints
from tests.transports.poller import PATH, handshaken, introduced
from tests.waiting import WAIT_SECONDS, waiting

PRODUCTION = {"ENV": "production", **SECRETS}


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
        await client.connect(running.url, transports=transports, wait_timeout=WAIT_SECONDS)
        assert client.transport() == ("polling" if transports == ["polling"] else "websocket")
        assert "status" in await event("connected")
        await client.emit("request_update")
        assert (await event("metrics_update"))["total_trades"] == 40
        trade = await insert(connection, "trades", session_id=session, pnl=7, exit_time=now())
        # The rows that were there before may be announced as corrected first.
        while trade not in [row["id"] for row in (await event("trade_update"))["trades"]]:
            pass
        position = await insert(connection, "positions", session_id=session)
        assert [row["id"] for row in (await event("position_update"))["positions"]] == [position]
        await client.disconnect()
    del client
    gc.collect()  # what the client library leaves open is complained of here, not in a later test


async def test_only_the_operator_is_let_in(database_url: str) -> None:
    async def answer(auth: str = "", **headers: str) -> str:
        async with handshaken(running.url.removeprefix("http://"), **headers) as client:
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

    async with let_in(bare.host) as page, introduced(bare.host) as bad:
        await page.event("hello")
        answer = await bad.http.post(bad.url, content=pieces() if chunked else body)
        assert answer.status_code == status
        assert (await bad.send("3")).status_code == 400
        bare.hub.publish(7, ("trade_list",))
        await page.event("stale")
        assert len(bare.streams) == 0
    assert complaints(quiet_log) == []


async def test_a_body_in_pieces_is_taken_whole(bare: Bare) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'42["request_'
        yield b'update"]'

    async with introduced(bare.host) as program:
        assert (await program.http.post(program.url, content=pieces())).status_code == 200
        assert json.loads((await program.packet())[2:])[0] == "metrics_update"
