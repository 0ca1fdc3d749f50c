"""Socket.IO by polling: how long a connection stays, whom it gives way to, and how it becomes a WebSocket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from monitoring.scope_key import ScopeKey
from monitoring.transports import connections
from tests.engine_io import let_in, raw
from tests.running import run_dashboard
from tests.transports.bare import Bare, complaints
from tests.transports.poller import PATH, Poller, handshaken, introduced
from tests.waiting import until, waiting


async def test_anonymous_connections_give_way(bare: Bare, quiet_log: pytest.LogCaptureFixture) -> None:
    bare.hub.max_viewers = 3
    async with introduced(bare.host) as early, httpx.AsyncClient() as crowd:
        for _ in range(100):
            assert (await crowd.get(f"http://{bare.host}{PATH}")).status_code == 200
        assert len(bare.sockets.server.eio.sockets) <= 3
        async with let_in(bare.host) as page, introduced(bare.host, '{"fragments":true}'):
            await page.event("hello")
            assert bare.hub.viewers == 2
            # Now every seat is taken, for either kind of connection.
            assert (await crowd.get(f"http://{bare.host}{PATH}")).status_code == 503
            bare.streams.emit("trade_update", {"trades": [{"id": 1}]})
            assert await early.packet() == '42["trade_update",{"trades":[{"id":1}]}]'
    assert complaints(quiet_log) == []


async def test_who_leaves_while_let_in_takes_no_seat(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, may_answer, find = asyncio.Event(), asyncio.Event(), bare.session

    async def slow(scope: ScopeKey) -> None:
        asked.set()
        await may_answer.wait()
        await find(scope)

    bare.hub.max_viewers = 1
    monkeypatch.setattr(bare, "session", slow)
    async with handshaken(bare.host) as early:
        letting_in = asyncio.create_task(early.send("40"))
        await asked.wait()
        async with handshaken(bare.host) as late:
            may_answer.set()
            await letting_in
            await late.send("40")
            assert (await late.poll())[0].startswith("40")


async def test_an_anonymous_websocket_gives_way(bare: Bare) -> None:
    bare.hub.max_viewers = 1
    async with raw(bare.host) as anonymous, introduced(bare.host):
        await anonymous.closed()


@pytest.mark.parametrize("refused", [False, True])
async def test_anonymous_connections_end_after_a_while(
    bare: Bare, monkeypatch: pytest.MonkeyPatch, refused: bool, quiet_log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "INTRODUCTION_SECONDS", 0.2)
    bare.may_read_until = None if refused else bare.may_read_until
    async with handshaken(bare.host) as anonymous:
        if refused:
            await anonymous.send("40")
            assert await anonymous.packet() == '44{"message":"unauthorized"}'
        assert await anonymous.packet() == "1"
        await bare.empty()
        assert (await anonymous.send("40")).status_code == 400
    assert complaints(quiet_log) == []


@pytest.mark.parametrize("first", ["3", "41", '42["request_update"]', "junk"])
async def test_nothing_is_done_for_anonymous_connections(bare: Bare, first: str) -> None:
    async with handshaken(bare.host) as anonymous:
        assert (await anonymous.send(first)).status_code == 400
        await bare.empty()
    assert bare.computed == 0


async def test_what_happens_between_two_polls_is_sent_merged(bare: Bare) -> None:
    async with introduced(bare.host) as program:
        for number in range(100):
            bare.streams.emit("trade_update", {"trades": [{"id": number}]})
            await asyncio.sleep(0)
        events = [json.loads(packet[2:]) for packet in await program.poll()]
        if len(events) == 1:
            events.append(json.loads((await program.packet())[2:]))
        assert len(events) == 2
        assert [trade["id"] for _, payload in events for trade in payload["trades"]] == list(range(100))


async def test_a_client_that_ignores_pings_is_removed(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare.sockets.server.eio, "ping_interval", 0.1)
    monkeypatch.setattr(bare.sockets.server.eio, "ping_timeout", 0.2)
    async with introduced(bare.host):
        await bare.empty()
        assert len(bare.streams) == 0


async def test_a_client_that_aborts_a_poll_is_removed_at_once(bare: Bare, quiet_log: pytest.LogCaptureFixture) -> None:
    async with introduced(bare.host) as program:
        with pytest.raises(httpx.ReadTimeout):
            await program.http.get(program.url, timeout=0.3)
        await bare.empty()
    assert len(bare.streams) == 0
    assert complaints(quiet_log) == []


async def test_two_polls_at_a_time_are_refused(bare: Bare) -> None:
    async with introduced(bare.host) as program:
        first = asyncio.create_task(program.packet())
        await until(lambda: any(connection.queue._getters for connection in bare.sockets.server.eio.sockets.values()))
        assert (await program.http.get(program.url)).status_code == 400
        bare.streams.emit("trade_update", {"trades": [{"id": 1}]})
        assert await first == '42["trade_update",{"trades":[{"id":1}]}]'


async def test_a_client_may_poll_again_right_after_an_answer(bare: Bare) -> None:
    async with introduced(bare.host) as program:
        reader, writer = await asyncio.open_connection(*bare.host.split(":"))
        path = program.url.partition(bare.host)[2]
        # Both at once over one connection: the second is taken up in the moment that the first is answered.
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {bare.host}\r\n\r\n".encode() * 2)
        async with waiting():
            for number in range(2):
                bare.streams.emit("trade_update", {"trades": [{"id": number}]})
                assert b" 200 OK" in await reader.readuntil(f'{{"id":{number}}}]}}]'.encode())
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_leaves_is_removed(bare: Bare) -> None:
    async with introduced(bare.host) as program, introduced(bare.host, '{"fragments":true}') as page:
        assert (bare.hub.viewers, len(bare.streams)) == (1, 1)
        await program.send("41", "1")
        await page.send("1")
        await bare.empty()
    assert bare.hub.viewers == len(bare.streams) == 0


@asynccontextmanager
async def upgrading(poller: Poller) -> AsyncIterator[ClientConnection]:
    address = poller.url.replace("http://", "ws://").replace("transport=polling", "transport=websocket")
    async with connect(address, compression=None, proxy=None) as socket:
        yield socket


async def test_a_websocket_that_breaks_leaves_the_polling(bare: Bare) -> None:
    """This happens behind a proxy that lets WebSockets begin and then breaks them."""
    async with introduced(bare.host) as program:
        async with upgrading(program):
            pass
        await until(lambda: not any(found.upgrading for found in bare.sockets.server.eio.sockets.values()))
        asking = asyncio.create_task(program.packet())
        bare.streams.emit("trade_update", {"trades": [{"id": 1}]})
        assert await asking == '42["trade_update",{"trades":[{"id":1}]}]'


@pytest.mark.parametrize("messages", [["junk"], ["5"], ["40"], ["2probe", "40"], ["2probe", "5", "junk"]])
async def test_an_upgrade_is_a_probe_and_nothing_else(
    bare: Bare, messages: list[str], quiet_log: pytest.LogCaptureFixture
) -> None:
    async with introduced(bare.host) as bad, upgrading(bad) as socket:
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
            last = await asking
            with contextlib.suppress(httpx.TransportError):  # the server may be gone before the next poll arrives
                while last[-1] != "1":
                    last = await program.poll()
        assert await running.process.wait() == 0
    assert "ERROR" not in "".join(running.log)
