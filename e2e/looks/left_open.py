"""What a page that is left open asks for and receives, and how far what its reader looks at moves."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, expect

PHONE = {"width": 390, "height": 844}
SETTLED_SECONDS = 5
RECORD_SHIFTS = """
window.shifts = [];
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.filter(source => source.previousRect.y !== source.currentRect.y).map(source => {
      const element = source.node?.parentElement, from = source.previousRect.y, to = source.currentRect.y;
      return `in ${element?.closest('[id]')?.id}: ${element?.className}, ${from} to ${to}`;
    });
    if (moved.length) shifts.push([entry.startTime, entry.value, moved]);
  }
}).observe({ type: 'layout-shift', buffered: true });
"""
SHIFTS_SINCE = "since => shifts.filter(shift => shift[0] > since)"
MIDDLE = "scrollTo(0, (document.documentElement.scrollHeight - innerHeight) / 2)"


@dataclass(slots=True)
class LeftOpen:
    """``shifts``: (score, what moved up or down), by Chrome's measure of layout shift."""

    path: str
    requests: list[str] = field(default_factory=list)
    received: float = 0
    shifts: list[tuple[float, list[str]]] = field(default_factory=list)

    @property
    def shift(self) -> float:
        return sum(score for score, _ in self.shifts)


async def left_open(browser: Browser, addresses: list[str], seconds: float) -> list[LeftOpen]:
    """Opens pages on phones, each at its start and at its middle, lets them settle, and watches all for a while."""
    places = [(address, middle) for address in addresses for middle in (False, True)]
    pages = [await _opened(browser, *place) for place in places]
    await asyncio.sleep(SETTLED_SECONDS)
    found = await asyncio.gather(*(_watched(page, seconds) for page in pages))
    for page in pages:
        await page.context.close()
    return found


async def _opened(browser: Browser, address: str, middle: bool) -> Page:
    context = await browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.add_init_script(RECORD_SHIFTS)
    await page.goto(address)
    await expect(page.locator("html[data-live=ws]")).to_be_attached()
    if middle:
        await page.evaluate(MIDDLE)
    return page


async def _watched(page: Page, seconds: float) -> LeftOpen:
    found = LeftOpen(urlsplit(page.url).path)
    wire = await page.context.new_cdp_session(page)
    await wire.send("Network.enable")

    def add(event: dict[str, float]) -> None:
        found.received += event["encodedDataLength"]

    wire.on("Network.loadingFinished", add)

    def add_frame(event: dict[str, dict[str, str]]) -> None:
        found.received += len(event["response"]["payloadData"])

    wire.on("Network.webSocketFrameReceived", add_frame)
    page.on("request", lambda request: found.requests.append(request.url))
    since = await page.evaluate("performance.now()")
    await asyncio.sleep(seconds)
    found.shifts = [(score, what) for _, score, what in await page.evaluate(SHIFTS_SINCE, since)]
    return found
