"""A browser's page without the browser: it hears which sections went stale, and fetches them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from quart import Quart

from monitoring.app import create_app
from monitoring.clock import SYSTEM_CLOCK, Clock
from monitoring.config import load_settings
from monitoring.scope_key import CURRENT
from monitoring.services import KEY, Services
from tests.secrets import SECRETS, TOKEN
from tests.streaming import EventReader, stream
from tests.waiting import until, waiting

ENVIRON = SECRETS
OPERATOR = {"X-Dashboard-Token": TOKEN}
AGES = re.compile(r"<time[^>]*data-age[^>]*>[^<]*</time>")


class Page:
    """One viewer of the current session."""

    def __init__(self, app: Quart) -> None:
        self.app = app
        self.parts: Services = app.extensions[KEY]
        self.client: Any = app.test_client()
        self.fragments: dict[str, str] = {}
        self._changed = asyncio.Condition()

    async def follow(self) -> None:
        """Fetches stale sections for ever."""
        subscription = self.parts.hub.subscribe(CURRENT)
        self.parts.feed.wake()
        try:
            await self._fetch(dict.fromkeys(self.parts.hub.sections, ""))
            while not subscription.closed:
                signal = await subscription.next(60)
                await self._fetch(signal.versions if signal else {})
        finally:
            self.parts.hub.remove(subscription)

    async def _fetch(self, stale: dict[str, str]) -> None:
        for name, version in stale.items():
            body = await self.get(f"/partials/{name}?at={version}")
            async with self._changed:
                self.fragments[name] = body
                self._changed.notify_all()

    async def get(self, path: str) -> str:
        response = await self.client.get(path)
        body: str = await response.get_data(as_text=True)
        return body

    async def json(self, path: str) -> Any:
        response = await self.client.get(path)
        return await response.get_json()

    async def answers(self, path: str) -> None:
        """Waits until a call succeeds: right after a fault it may answer 503."""

        async def succeeds() -> bool:
            return bool((await self.client.get(path)).status_code == 200)

        await until(succeeds)

    async def shows(self, name: str, words: str) -> str:
        """Waits until a section holds ``words``."""
        return await self._until(name, lambda body: words in body, f"never showed {words!r}")

    async def hides(self, name: str, words: str) -> str:
        """Waits until a section no longer holds ``words``."""
        return await self._until(name, lambda body: words not in body, f"never ceased to show {words!r}")

    async def is_old(self) -> None:
        """Waits until every section is marked as the last known one."""
        for name in self.parts.hub.sections:
            await self.becomes_old(name)

    async def becomes_old(self, name: str) -> None:
        """Waits until a section is marked as the last known one."""
        await self._until(name, lambda body: marked_old(body) or hidden(body), "was never marked as old")

    async def is_fresh(self) -> None:
        """Waits until no section is marked as old."""
        for name in self.parts.hub.sections:
            await self._until(name, lambda body: not marked_old(body), "stayed marked as old")

    async def equals(self, name: str, wanted: str) -> None:
        """Waits until a section is what another page shows, its ages aside."""
        try:
            async with waiting(), self._changed:
                await self._changed.wait_for(lambda: ageless(self.fragments.get(name, "")) == wanted)
        except TimeoutError:
            assert ageless(self.fragments[name]) == wanted

    @asynccontextmanager
    async def program(self) -> AsyncIterator[set[int]]:
        """The ids of the trades that a program gets as events; the set grows."""
        told: set[int] = set()

        async def listen(events: EventReader) -> None:
            while True:
                name, payload = await events.next()
                if name == "trade_update":
                    told.update(trade["id"] for trade in payload["trades"])

        async with stream(self.client, "/events?payload=1") as events:
            await events.until("metrics_update")
            listening = asyncio.create_task(listen(events))
            yield told
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _until(self, name: str, fits: Any, complaint: str) -> str:
        try:
            async with waiting(), self._changed:
                await self._changed.wait_for(lambda: name in self.fragments and fits(self.fragments[name]))
        except TimeoutError:
            raise AssertionError(f"{name} {complaint}: {self.fragments.get(name)}") from None
        return self.fragments[name]


def marked_old(fragment: str) -> bool:
    opening = fragment.lstrip()[: fragment.index(">")]
    return re.search(r'class="[^"]*\bold\b', opening) is not None


def hidden(fragment: str) -> bool:
    """A section that has nothing to show in this installation."""
    return fragment.lstrip()[: fragment.index(">")].endswith(" hidden")


def ageless(fragment: str) -> str:
    """The fragment without the words that count seconds."""
    return AGES.sub("", fragment)


@asynccontextmanager
async def dashboard(
    url: str, followed: bool = True, clock: Clock = SYSTEM_CLOCK, **environ: str
) -> AsyncIterator[Page]:
    """The application over ``url``, its background tasks running, and a page that looks at it."""
    app = create_app(load_settings({"DATABASE_URL": url, **ENVIRON, **environ}), clock=clock)
    async with app.test_app():
        page = Page(app)
        following = asyncio.create_task(page.follow() if followed else asyncio.sleep(0))
        yield page
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
