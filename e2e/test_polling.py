"""A page that can only poll, behind a balancer that gives each request to the next instance."""

import itertools

import pytest
from playwright.async_api import Route, expect

from e2e.conftest import WHOLE_PAGE, OpenPage
from e2e.networks.transports import hurry
from tests.running import run_dashboard
from tests.waiting import waiting

POLLS = 12

pytestmark = pytest.mark.audit


async def test_whoever_polls_in_turn_fetches_nothing_twice(
    account: int, database_url: str, open_page: OpenPage
) -> None:
    """Each instance has a version of its own for what all of them show."""
    async with run_dashboard("--db-url", database_url) as one, run_dashboard("--db-url", database_url) as other:
        page = await open_page("about:blank", viewport=WHOLE_PAGE)
        asked, turn = list[str](), itertools.cycle((one, other))

        async def next_one(route: Route) -> None:
            asked.append(path := route.request.url.removeprefix(one.url))
            await route.fulfill(response=await route.fetch(url=next(turn).url + path))

        await page.add_init_script("delete window.EventSource; delete window.WebSocket;")
        await page.route(f"{one.url}/versions*", next_one)
        await page.route(f"{one.url}/partials*", next_one)
        await hurry(page, poll=200)
        await page.goto(one.url)
        await expect(page.locator("html[data-live=poll]")).to_be_attached()

        async def polled(times: int) -> list[str]:
            asked.clear()
            async with waiting():
                while sum(path.startswith("/versions") for path in asked) < times:
                    await page.evaluate("new Promise(requestAnimationFrame)")
            return [path for path in asked if path.startswith("/partials")]

        await polled(POLLS)
        # Now and then one of them says that time has passed.
        assert len(await polled(POLLS)) <= POLLS / 4
