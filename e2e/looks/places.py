"""A dashboard for each state that its pages can be in, started when a test first asks for it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx

from e2e.faultproxy import FaultProxy, Streams
from e2e.looks import bots
from monitoring.postgres.embedded import EmbeddedServer
from monitoring.sections.pages import ACTIVITY, TABS
from monitoring.web.tables import TABLES
from tests.running import run_dashboard

OF_ALL = ("/bots", "/settings", "/explain", "/docs", "/login", "/no/such/page")
SEEDS: dict[str, bots.Seed] = {
    "calm": bots.calm,
    **{currency: bots.hard(currency) for currency in bots.CURRENCIES},
    "ended": bots.ended,
}
"""Bots in one database."""
APART: dict[str, dict[str, bots.Seed]] = {
    "trouble": {"trouble": bots.trouble},
    "alone": {"alone": bots.calm},
    "empty": {},
}
"""Bots that need a database of their own."""
HARD = tuple(bots.CURRENCIES)
STATES = (*SEEDS, *APART, "demo")


@dataclass(frozen=True, slots=True)
class Place:
    """A bot on a dashboard. ``database`` is the network to it, where that can be cut."""

    state: str
    url: str
    bot: int | None = None
    stories: tuple[str, ...] = ()
    database: FaultProxy | None = None

    @property
    def live_paths(self) -> list[str]:
        """Pages of the bot that are kept up to date."""
        paths = [*(page.path for page in (*TABS, ACTIVITY)), *self.stories]
        return [self._of_bot(path) for path in paths]

    @property
    def paths(self) -> list[str]:
        tables = () if self.bot is None else [f"/table/{name}?range=all" for name in TABLES]
        return [*self.live_paths, *map(self._of_bot, tables), *OF_ALL]

    def _of_bot(self, path: str) -> str:
        return f"{path}{'&' if '?' in path else '?'}bot={self.bot}" if self.bot else path


class Places:
    """Looked up by state; one dashboard serves all bots of SEEDS."""

    def __init__(self, server: EmbeddedServer, template: str, folder: Path, stack: AsyncExitStack) -> None:
        self._server, self._template, self._folder, self._stack = server, template, folder, stack
        self._found: dict[str, Place] = {}

    async def at(self, state: str) -> Place:
        if state not in self._found:
            await self._make(state)
        return self._found[state]

    async def _make(self, state: str) -> None:
        if state == "demo":
            url = await self._start("--demo", "--demo-dir", str(self._folder))
            return self._add(Place(state, url, stories=await _first_stories(url)))
        seeds = SEEDS if state in SEEDS else APART[state]
        connection, database = await self._database(state)
        found = {name: await seed(connection) for name, seed in seeds.items()}
        stories = {name: await _stories(connection, bot) for name, bot in found.items()}
        wire = await self._stack.enter_async_context(FaultProxy(_to(database)))
        url = await self._start("--db-url", f"postgresql://postgres@127.0.0.1:{wire.port}{urlsplit(database).path}")
        for name, bot in found.items():
            self._add(Place(name, url, bot, stories[name], wire))
        if not found:
            self._add(Place(state, url))
        return None

    def _add(self, place: Place) -> None:
        self._found[place.state] = place

    async def _database(self, state: str) -> tuple[asyncpg.Connection, str]:
        name = f"looks_{state.lower()}"
        await self._server.create_database(name, self._template)
        self._stack.push_async_callback(self._server.drop_database, name)
        connection = await asyncpg.connect(self._server.url(name), server_settings={"timezone": "UTC"})
        self._stack.push_async_callback(connection.close)
        return connection, self._server.url(name)

    async def _start(self, *arguments: str) -> str:
        running = await self._stack.enter_async_context(run_dashboard(*arguments))
        return running.url


def _to(database: str) -> Callable[[], Awaitable[Streams]]:
    """Opens a connection to the PostgreSQL of a database."""
    address = parse_qs(urlsplit(database).query)
    path = f"{address['host'][0]}/.s.PGSQL.{address['port'][0]}"
    return lambda: asyncio.open_unix_connection(path)


async def _first_stories(url: str) -> tuple[str, ...]:
    """Of a dashboard whose database only it knows."""
    async with httpx.AsyncClient(base_url=url) as client:
        found = [re.search(rf'href="({path}/\d+)', (await client.get(path)).text) for path in ("/trades", "/positions")]
    return tuple(each[1] for each in found if each)


async def _stories(connection: asyncpg.Connection, bot: int) -> tuple[str, ...]:
    trade = await connection.fetchval("SELECT max(id) FROM trades WHERE session_id = $1", bot)
    position = await connection.fetchval("SELECT max(id) FROM positions WHERE session_id = $1 AND status = 'OPEN'", bot)
    paths = {f"/trades/{trade}": trade, f"/positions/{position}": position}
    return tuple(path for path, number in paths.items() if number is not None)
