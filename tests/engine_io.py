"""A Socket.IO client that sends whatever it is told to, well formed or not."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.waiting import WAIT_SECONDS, waiting

PATH = "/socket.io/?EIO=4&transport=websocket"
OWN_PAGE = {"fragments": True, "session": "current"}


@dataclass(frozen=True)
class Raw:
    """One open WebSocket."""

    socket: ClientConnection

    async def send(self, text: str | bytes) -> None:
        await self.socket.send(text)

    async def packet(self, within: float = WAIT_SECONDS) -> str:
        """The next thing that is neither a ping nor the greeting of Engine.IO."""
        async with asyncio.timeout(within):
            while True:
                text = str(await self.socket.recv())
                if text == "2":
                    await self.send("3")
                elif not text.startswith("0"):
                    return text

    async def introduce(self, auth: object = None) -> str:
        """The server's answer: 40… when let in, 44… when refused."""
        await self.send("40" + ("" if auth is None else json.dumps(auth)))
        return await self.packet()

    async def event(self, name: str) -> Any:
        """The payload of the next event, which has this name."""
        packet = await self.packet()
        assert packet.startswith("42"), packet
        found, payload = json.loads(packet[2:])
        assert found == name, packet
        return payload

    async def silent(self, seconds: float = 0.2) -> bool:
        """Whether nothing comes for so long."""
        try:
            await self.packet(seconds)
        except TimeoutError:
            return True
        return False

    async def closed(self) -> int:
        """The code with which the server closes; 1006 if the connection broke."""
        async with waiting():
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code


@asynccontextmanager
async def raw(host: str, **headers: str) -> AsyncIterator[Raw]:
    async with connect(f"ws://{host}{PATH}", additional_headers=headers, compression=None, proxy=None) as socket:
        yield Raw(socket)


@asynccontextmanager
async def let_in(host: str, auth: Mapping[str, object] | None = OWN_PAGE, **headers: str) -> AsyncIterator[Raw]:
    """A client that has introduced itself."""
    async with raw(host, **headers) as client:
        answer = await client.introduce(auth)
        assert answer.startswith("40"), answer
        yield client
