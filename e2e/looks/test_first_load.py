"""A page's first visit costs at most 60 kB, its libraries included."""

import pytest
from playwright.async_api import Browser, expect

from e2e.looks.places import Places

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.audit]

MAX_BYTES = 60_000


async def first_load(browser: Browser, address: str) -> float:
    """Bytes that a new browser receives, headers included, until the page is live."""
    context = await browser.new_context()
    page = await context.new_page()
    wire, received = await context.new_cdp_session(page), list[float]()
    await wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    await page.goto(address)
    await expect(page.locator("html[data-live=ws]")).to_be_attached()
    await page.wait_for_load_state("networkidle")
    await context.close()
    assert len(received) >= 5, "the page, its style sheet, its script and two libraries"
    return sum(received)


@pytest.mark.parametrize("state", ["demo", "calm"])
async def test_a_first_visit_is_small(browser: Browser, places: Places, state: str) -> None:
    place = await places.at(state)
    found = {path: await first_load(browser, f"{place.url}{path}") for path in place.live_paths}
    assert {path: size for path, size in found.items() if size > MAX_BYTES} == {}
