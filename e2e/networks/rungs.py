"""What a page says of its own connection, and when. It is measured by the page's clock and printed, never asserted."""

import re
from collections.abc import Awaitable, Callable

import asyncpg
from playwright.async_api import Page, Route, expect

from tests.rows import insert, now

OpenPage = Callable[..., Awaitable[Page]]

REPORT: list[tuple[str, float, float]] = []
"""A measurement: the promise, the seconds that it took, and those that it takes on an idle machine."""

RECORD = """
window.rungs = [];
window.WebSocket = new Proxy(WebSocket, {
  construct: function (real, given) {
    rungs.push({ name: 'attempt', at: performance.now() });
    return Reflect.construct(real, given);
  }
});
new MutationObserver(function () {
  var data = document.documentElement.dataset;
  rungs.push({ name: data.live, at: performance.now() });
  data.passed = rungs.map(function (rung) { return rung.name; }).join(' ');
}).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-live'] });
"""
MARK = """() => {
  rungs = [{ name: 'mark', at: performance.now() }];
  document.documentElement.dataset.passed = 'mark';
}"""
SINCE = """([name, start]) => {
  var begun = start ? rungs.findIndex(rung => rung.name === start) : 0;
  return (rungs.find((rung, number) => number > begun && rung.name === name).at - rungs[begun].at) / 1000;
}"""
FRONT_PAGE = re.compile(r"/(\?.*)?$")


async def mark(page: Page) -> None:
    """Measures what follows from this moment instead of the start of the page's script."""
    await page.evaluate(MARK)


async def reaches(page: Page, rung: str, usual: float = 0, promise: str = "", since: str = "") -> None:
    """The page comes to ``rung``; ``promise`` says so in the report, with the ``usual`` seconds beside those it took.

    They count from its script's start, or from the mark; with ``since="attempt"`` from its first attempt to open a
    WebSocket, once the library is there.
    """
    await expect(page.locator(f"html[data-passed~={rung}]")).to_be_attached()
    if promise:
        REPORT.append((promise, await page.evaluate(SINCE, [rung, since]), usual))


async def stands_on(page: Page, rung: str) -> None:
    """Checks that the page says so, in its attribute and in words."""
    await expect(page.locator(f"html[data-live={rung}]")).to_be_attached()
    words = {"ws": "Live · WebSocket", "sse": "Live · events", "poll": "Polling", "none": "Connecting"}
    await expect(page.locator(".rung")).to_have_css("content", f'"{words[rung]}"', pseudo="after")


async def hears(page: Page, connection: asyncpg.Connection, account: int) -> None:
    """Waits until a trade that is committed now is on the page."""
    number = await insert(connection, "trades", session_id=account, pnl=7, exit_time=now())
    await expect(page.locator(f"#trade-{number}")).to_be_attached()


async def hurry(page: Page, **times: int) -> None:
    """Shortens the page's own times: ``poll=500`` milliseconds."""
    attributes = " ".join(f'data-{name}="{milliseconds}"' for name, milliseconds in times.items())

    async def hurried(html: str) -> str:
        return html.replace("<html ", f"<html {attributes} ", 1)

    await rewrite(page, hurried)


async def rewrite(page: Page, change: Callable[[str], Awaitable[str]]) -> None:
    """Changes the front page on its way to the browser."""

    async def answer(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(response=response, body=await change(await response.text()))

    await page.route(FRONT_PAGE, answer)
