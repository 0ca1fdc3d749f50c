"""One real Chromium that notes when a trade appears in its page."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Page, async_playwright

from scripts.find_chromium import find_chromium

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
NOTE_TRADES = """
window.shown = {};
new MutationObserver(() => {
  const newest = document.querySelector('#trades tr[id^=trade-]');
  if (newest) window.shown[newest.id] ??= Date.now();
}).observe(document.documentElement, { childList: true, subtree: true, attributes: true, characterData: true });
"""


@dataclass(frozen=True, slots=True)
class Browser:
    """A page that follows the dashboard."""

    page: Page

    async def showed(self, trade: int) -> float:
        """When, by the monotonic clock, the trade came into the page's DOM."""
        shown = await self.page.wait_for_function(f"window.shown['trade-{trade}']", timeout=10_000)
        return float(await shown.json_value()) / 1000 - time.time() + time.monotonic()

    @staticmethod
    @asynccontextmanager
    async def open(address: str) -> AsyncIterator["Browser"]:
        """The front page, connected over a WebSocket."""
        async with async_playwright() as playwright:
            launched = await playwright.chromium.launch(executable_path=find_chromium(), args=[*ARGUMENTS])
            page = await launched.new_page()
            await page.goto(address)
            await page.wait_for_selector("html[data-live=ws]")
            await page.evaluate(NOTE_TRADES)
            yield Browser(page)
            await launched.close()
