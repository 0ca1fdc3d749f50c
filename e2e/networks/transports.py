"""What a page says of its own connection, and when. It is measured by the page's clock and printed, never asserted."""

import re
from collections.abc import Awaitable, Callable

import asyncpg
from playwright.async_api import Page, Route, expect

from e2e.conftest import closed, look_at
from tests.rows import insert, now

OpenPage = Callable[..., Awaitable[Page]]

REPORT: list[tuple[str, float, float]] = []
"""Measurements: the promise, the seconds that it took, and those that it takes on an idle machine."""

RECORD = """
window.transports = [];
window.WebSocket = new Proxy(WebSocket, {
  construct: function (real, given) {
    transports.push({ name: 'attempt', at: performance.now() });
    return Reflect.construct(real, given);
  }
});
new MutationObserver(function () {
  var data = document.documentElement.dataset;
  transports.push({ name: 'silent' in data ? 'silent' : data.live, at: performance.now() });
  data.passed = transports.map(function (transport) { return transport.name; }).join(' ');
}).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-live', 'data-silent'] });
"""
MARK = """() => {
  transports = [{ name: 'mark', at: performance.now() }];
  document.documentElement.dataset.passed = 'mark';
}"""
SINCE = """([name, start]) => {
  var begun = start ? transports.findIndex(transport => transport.name === start) : 0;
  var found = transports.find((transport, number) => number > begun && transport.name === name);
  return (found.at - transports[begun].at) / 1000;
}"""
FRONT_PAGE = re.compile(r"/(\?.*)?$")


async def mark(page: Page) -> None:
    """Measures what follows from this moment instead of the start of the page's script."""
    await page.evaluate(MARK)


async def reaches(page: Page, transport: str, usual: float = 0, promise: str = "", since: str = "") -> None:
    """Waits until the page uses ``transport``; ``promise`` names it in the report, with the ``usual`` seconds.

    Seconds count from the start of the page's script, or from the mark; with ``since="attempt"`` from its first attempt
    to open a WebSocket, once the library is there.
    """
    await expect(page.locator(f"html[data-passed~={transport}]")).to_be_attached()
    if promise:
        REPORT.append((promise, await page.evaluate(SINCE, [transport, since]), usual))


async def uses(page: Page, transport: str) -> None:
    """Checks that the page says so, in its attribute, and in words whether it is updating."""
    await expect(page.locator(f"html[data-live={transport}]")).to_be_attached()
    await expect(page.locator(".link-live")).to_be_visible(visible=transport != "none")


async def hears(page: Page, connection: asyncpg.Connection, account: int) -> None:
    """Waits until a trade that is committed now is on the page."""
    await look_at(page, "activity")
    number = await insert(connection, "trades", session_id=account, pnl=7, exit_time=now())
    await expect(closed(page, number)).to_be_attached()


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
