"""One real Chromium that notes when a trade appears in its page."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Page, async_playwright

from scripts.find_chromium import find_chromium

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
NOTE_TRADES = """
() => {
  const shown = {}, asked = {};
  new MutationObserver(() => {
    const newest = document.querySelector('#activity a[href*="/trades/"]')?.pathname.split('/').pop();
    if (!newest || shown[newest]) return;
    shown[newest] = Date.now();
    asked[newest]?.(shown[newest]);
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true });
  window.whenShown = id => new Promise(resolve => shown[id] ? resolve(shown[id]) : asked[id] = resolve);
}
"""
LONGEST_WAIT = 15
WHOLE_PAGE = {"width": 1280, "height": 9000}
"""Every section is in sight, and so fetched."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A page that follows the dashboard."""

    page: Page

    async def showed(self, trade: int) -> float:
        """When, by the monotonic clock, the trade came into the page's DOM."""
        asked = self.page.evaluate("id => window.whenShown(id)", str(trade))
        shown = await asyncio.wait_for(asked, LONGEST_WAIT)
        return float(shown) / 1000 - time.time() + time.monotonic()

    @staticmethod
    @asynccontextmanager
    async def open(address: str) -> AsyncIterator["Browser"]:
        """The front page, connected over a WebSocket."""
        async with async_playwright() as playwright:
            launched = await playwright.chromium.launch(executable_path=find_chromium(), args=[*ARGUMENTS])
            page = await launched.new_page(viewport=WHOLE_PAGE)  # type: ignore[arg-type]
            await page.goto(address)
            await page.wait_for_selector("html[data-live=ws]")
            await page.evaluate(NOTE_TRADES)
            yield Browser(page)
            await launched.close()
