"""Clients of a dashboard over a failing network: a page with an event stream, one with a WebSocket, an old program."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import socketio

from monitoring.signals.subscription import GAP, SPREAD
from tests.faults.page import ageless
from tests.waiting import WAIT_SECONDS

AGAIN = 0.05
"""Seconds after which a request or connection that failed is tried again."""

PAGE = 1000


class Fragments:
    """What a page shows, and the versions that were announced to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.shown: dict[str, str] = {}
        self.resyncs = 0
        self._versions: dict[str, str] = {}
        self._newest = ""
        self._wanted: set[str] = set()
        self._work = asyncio.Event()

    def hello(self, message: Mapping[str, Any]) -> None:
        """Fetches every section whose version is not the known one."""
        self.resyncs += 1
        news = {name: version for name, version in message["versions"].items() if self._versions.get(name) != version}
        self.stale(news)

    def stale(self, signal: Mapping[str, Any]) -> None:
        news = {name: version for name, version in signal.items() if name not in (GAP, SPREAD)}
        self._versions.update(news)
        self._newest = next(reversed(news.values()), self._newest)
        self._wanted |= news.keys()
        self._work.set()

    async def fetch(self) -> None:
        """Fetches stale sections for ever."""
        async with httpx.AsyncClient(timeout=WAIT_SECONDS) as client:
            while True:
                await self._work.wait()
                self._work.clear()
                while self._wanted:
                    await self._fetch_one(client, self._wanted.pop())

    async def _fetch_one(self, client: httpx.AsyncClient, name: str) -> None:
        try:
            answer = await client.get(f"{self.url}/partials/{name}", params={"at": self._newest})
            answer.raise_for_status()
            self.shown[name] = answer.text
        except httpx.HTTPError:
            self._wanted.add(name)
            await asyncio.sleep(AGAIN)

    def differences(self, wanted: Mapping[str, str]) -> list[str]:
        """Lines that this page shows and another does not."""
        found = []
        for name, fragment in wanted.items():
            mine, theirs = (ageless(shown).splitlines() for shown in (self.shown.get(name, ""), fragment))
            found += [f"{name}: {line}" for line in mine if line not in theirs]
            found += [f"{name}: nothing at all"] * (not mine)
        return found


async def events(page: Fragments) -> None:
    """Follows the event stream for ever."""
    async with httpx.AsyncClient(timeout=WAIT_SECONDS) as client:
        while True:
            try:
                async with client.stream("GET", f"{page.url}/events") as stream:
                    async for name, data in _events(stream.aiter_lines()):
                        if name == "hello":
                            page.hello(data)
                        elif name == "stale":
                            page.stale(data)
            except httpx.HTTPError:
                await asyncio.sleep(AGAIN)


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


@asynccontextmanager
async def socket(url: str, auth: dict[str, object] | None, **handlers: Any) -> AsyncIterator[None]:
    """A Socket.IO client that comes back whenever its connection breaks."""
    async with aiohttp.ClientSession() as session:
        client = socketio.AsyncClient(
            reconnection_delay=AGAIN, reconnection_delay_max=AGAIN, randomization_factor=0, http_session=session
        )
        for name, handler in handlers.items():
            client.on(name, handler)
        await client.connect(url, transports=["websocket"], auth=auth, retry=True)
        try:
            yield
        finally:
            await client.shutdown()


class Program:
    """An old program: it gets trades as events, and asks for all of them whenever it had to reconnect."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.told: set[int] = set()
        self.resyncs = 0
        self._asking: set[asyncio.Task[None]] = set()

    def update(self, message: Mapping[str, Any]) -> None:
        self._take(message["trades"])

    def connected(self, _message: object) -> None:
        self.resyncs += 1
        task = asyncio.create_task(self._ask())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self) -> None:
        offset = 0
        async with httpx.AsyncClient(timeout=WAIT_SECONDS) as client:
            while True:
                try:
                    answer = await client.get(f"{self.url}/api/trades?limit={PAGE}&offset={offset}")
                    answer.raise_for_status()
                except httpx.HTTPError:
                    await asyncio.sleep(AGAIN)
                    continue
                self._take(answer.json())
                offset += PAGE
                if len(answer.json()) < PAGE:
                    return

    def _take(self, trades: Iterable[Mapping[str, Any]]) -> None:
        self.told |= {trade["id"] for trade in trades}
