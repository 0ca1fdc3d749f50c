"""Socket.IO by polling, request by request."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.waiting import WAIT_SECONDS

PATH = "/socket.io/?EIO=4&transport=polling"
PING = "2"


@dataclass(frozen=True)
class Poller:
    """A connection by polling, of which every request is made by hand."""

    http: httpx.AsyncClient
    url: str
    unread: list[str] = field(default_factory=list)
    """What came together with the greeting, for the next poll."""

    async def send(self, *packets: str) -> httpx.Response:
        return await self.http.post(self.url, content="\x1e".join(packets))

    async def poll(self) -> list[str]:
        if self.unread:
            unread = self.unread.copy()
            self.unread.clear()
            return unread
        answer = await self.http.get(self.url)
        assert answer.status_code == 200, answer.text
        return answer.text.split("\x1e")

    async def packet(self) -> str:
        """The next one that is no ping, which must come alone."""
        while (packets := await self.poll()) == [PING]:
            pass
        (packet,) = (packet for packet in packets if packet != PING)
        return packet


@asynccontextmanager
async def handshaken(host: str, **headers: str) -> AsyncIterator[Poller]:
    """After the handshake, and before the introduction."""
    async with httpx.AsyncClient(headers=headers, timeout=WAIT_SECONDS) as http:
        answer = await http.get(f"http://{host}{PATH}")
        assert answer.status_code == 200, answer.text
        yield Poller(http, f"http://{host}{PATH}&sid={json.loads(answer.text[1:])['sid']}")


@asynccontextmanager
async def introduced(host: str, auth: str = "") -> AsyncIterator[Poller]:
    async with handshaken(host) as poller:
        assert (await poller.send(f"40{auth}")).status_code == 200
        first, *events = await poller.poll()
        assert first.startswith("40"), first
        while not events:
            events = await poller.poll()
        greeting, *poller.unread[:] = events
        assert json.loads(greeting[2:])[0] == ("hello" if auth else "connected")
        yield poller
