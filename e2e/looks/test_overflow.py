"""No page is wider than its window: from 320 to 2560 px, and with text of twice the size, with hard data."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from e2e.conftest import BROWSER_ARGUMENTS
from e2e.looks.places import HARD, Place, Places

pytestmark = pytest.mark.asyncio(loop_scope="package")

WIDTHS = (320, 390, 768, 1024, 1280, 1440, 1920, 2560)
LARGE_TEXT_WIDTHS = (390, 768, 1024, 1440)
OPEN_ALL = "document.querySelectorAll('details').forEach(details => details.open = true)"
WIDER = """() => {
  const wide = innerWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const clips = element => element.closest('.spoken') || getComputedStyle(element).position === 'fixed';
  return [`${document.documentElement.scrollWidth - wide} px too wide`, ...[...document.body.querySelectorAll('*')]
    .filter(element => element.getBoundingClientRect().right > wide + 1 && !clips(element))
    .slice(-3).map(element => element.outerHTML.slice(0, 120))];
}"""
BROKEN_FIGURES = """() => {
  const broken = [];
  for (const element of document.querySelectorAll('td.number, .figure, dd b')) {
    const range = document.createRange();
    for (const node of element.childNodes) {
      if (node.nodeType !== 3 || !/^[+−]?[\\d,.\\u202f]+$/.test(node.data.trim())) continue;
      range.selectNodeContents(node);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) broken.push(node.data);
    }
  }
  return broken.slice(0, 5).map(figure => `broken over lines: ${figure}`);
}"""


async def problems(page: Page, place: Place, paths: list[str], widths: tuple[int, ...]) -> list[str]:
    found = []
    for path in paths:
        await page.goto(f"{place.url}{path}")
        await page.evaluate(OPEN_ALL)
        for width in widths:
            await page.set_viewport_size({"width": width, "height": 900})
            wrong = [*await page.evaluate(WIDER), *await page.evaluate(BROKEN_FIGURES)]
            found += [f"{path} at {width}: {each}" for each in wrong]
    return found


async def test_a_phone_shows_large_amounts_whole(browser: Browser, places: Places) -> None:
    place = await places.at("IDR")
    page = await browser.new_page()
    found = await problems(page, place, place.live_paths, (320, 390))
    await page.close()
    assert not found, "\n".join(found)


@pytest.mark.audit
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("state", ["calm", *HARD, "ended", "trouble", "empty"])
async def test_no_page_is_wider_than_its_window(browser: Browser, places: Places, state: str) -> None:
    place = await places.at(state)
    page = await browser.new_page()
    found = await problems(page, place, place.paths, WIDTHS)
    await page.close()
    assert not found, "\n".join(found)


@pytest.mark.audit
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("state", ["calm", *HARD, "trouble", "empty"])
async def test_text_of_twice_the_size_fits(chromium: str, places: Places, tmp_path: Path, state: str) -> None:
    """As a reader sets it in Chrome, whose own text then has 32 px instead of 16."""
    place = await places.at(state)
    profile = tmp_path / "Default"
    profile.mkdir()
    (profile / "Preferences").write_text('{"webkit":{"webprefs":{"default_font_size":32}}}')
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=chromium, args=BROWSER_ARGUMENTS
        )
        page = context.pages[0]
        await page.goto(f"{place.url}/login")
        assert await page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        found = await problems(page, place, place.paths, LARGE_TEXT_WIDTHS)
        await context.close()
        assert not found, "\n".join(found)
