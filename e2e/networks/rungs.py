"""What a page says of its own connection, and when: every promise here has a deadline, taken on the page's clock."""

import re
from collections.abc import Awaitable, Callable

import asyncpg
from playwright.async_api import Page, Route, expect

from tests.rows import insert, now

OpenPage = Callable[..., Awaitable[Page]]

START = 5
"""Seconds within which a page is live before the test proper begins; not a promise, so that a busy machine may take its
time."""
REPORT: list[tuple[str, float, float]] = []
"""What was measured: the promise, the seconds it took, and those it may take."""

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
    """What happens next is measured from here, not from the start of the page's script."""
    await page.evaluate(MARK)


async def reaches(page: Page, rung: str, within: float, promise: str = "", since: str = "") -> None:
    """The page comes to ``rung`` at most ``within`` seconds after its script's start, or after the mark.

    ``since="attempt"`` measures from its first attempt to open a WebSocket, once the library is there.
    """
    patience = within + START if since else within
    await expect(page.locator(f"html[data-passed~={rung}]")).to_be_attached(timeout=1000 * patience)
    seconds = await page.evaluate(SINCE, [rung, since])
    assert seconds <= within, promise
    if promise:
        REPORT.append((promise, seconds, within))


async def quickly(page: Page, url: str, rung: str, within: float, promise: str) -> None:
    """The page comes to ``rung`` at most ``within`` seconds after it tried to open a WebSocket.

    The best of three loads: so short a time says more of a busy machine than of the page.
    """
    for further in (2, 1, 0):
        await page.goto(url, wait_until="domcontentloaded")
        try:
            return await reaches(page, rung, within, promise, since="attempt")
        except AssertionError:
            if not further:
                raise
    return None


async def stands_on(page: Page, rung: str) -> None:
    """It says so, in the attribute and in words."""
    await expect(page.locator(f"html[data-live={rung}]")).to_be_attached(timeout=1000)
    words = {"ws": "Live · WebSocket", "sse": "Live · events", "poll": "Polling", "none": "Connecting"}
    await expect(page.locator(".rung")).to_have_css("content", f'"{words[rung]}"', pseudo="after", timeout=2000)


async def hears(page: Page, connection: asyncpg.Connection, account: int, within: float = 5) -> None:
    """A trade that is committed now stands on the page at most ``within`` seconds later."""
    number = await insert(connection, "trades", session_id=account, pnl=7, exit_time=now())
    await expect(page.locator(f"#trade-{number}")).to_be_attached(timeout=1000 * within)


async def hurry(page: Page, **times: int) -> None:
    """Shortens the page's own times: ``poll=500`` milliseconds."""
    attributes = " ".join(f'data-{name}="{milliseconds}"' for name, milliseconds in times.items())

    async def hurried(html: str) -> str:
        return html.replace("<html ", f"<html {attributes} ", 1)

    await rewrite(page, hurried)


async def rewrite(page: Page, change: Callable[[str], Awaitable[str]]) -> None:
    """The front page arrives changed."""

    async def answer(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(response=response, body=await change(await response.text()))

    await page.route(FRONT_PAGE, answer)
