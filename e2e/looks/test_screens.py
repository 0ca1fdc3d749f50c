"""Keyboards, forced colours, paper and walls."""

import re

import pytest
from playwright.async_api import Browser, Page

from e2e.looks.places import Places
from e2e.looks.test_axe import DESK, PHONE
from tests.rows import now

pytestmark = pytest.mark.asyncio(loop_scope="package")

MAX_TABS = 250
MAX_SHEETS = 2
MAX_HEIGHT_OF_NOW = 2600
HIDDEN_FOCUS = """() => {
  const element = document.activeElement;
  if (element === document.body) return null;
  if (element.closest('.top, .pages, .skip')) return [];
  const box = (element.matches('.readings input') ? element.closest('.plot') : element).getBoundingClientRect();
  const top = document.querySelector('.top').getBoundingClientRect(), tabs = document.querySelector('.pages');
  const bottom = tabs && getComputedStyle(tabs).position === 'fixed' ? tabs.getBoundingClientRect().top : innerHeight;
  const high = box.height > bottom - top.bottom;
  return box.top >= top.bottom - 1 && (high || box.bottom <= bottom + 1) ? [] : [element.outerHTML.slice(0, 120)];
}"""
UNSEEN_SHAPES = """() => {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.setProperty('color', 'Canvas');
  const canvas = getComputedStyle(probe).color, unseen = [];
  probe.remove();
  const shapes = '.curve, .scale .price, .scale .stop, .life .on, .bar-gain, .last-dot';
  for (const shape of document.querySelectorAll(shapes)) {
    const style = getComputedStyle(shape), shown = [style.fill, style.stroke].filter(colour => colour !== 'none');
    if (shape.checkVisibility() && shown.every(colour => colour === canvas)) unseen.push(shape.outerHTML.slice(0, 80));
  }
  return unseen;
}"""

FAINT_WORDS = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => channels(colour).slice(0, 3).map(value => value / 255)
    .map(value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4)
    .reduce((sum, value, number) => sum + value * [.2126, .7152, .0722][number], 0);
  const ground = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return channels(colour)[3] === 0 && element.parentElement ? ground(element.parentElement) : colour;
  };
  const written = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll('*')].filter(element => written(element) && element.checkVisibility())
    .filter(element => !element.closest('svg, .spoken')).filter(element => {
      const both = [luminance(getComputedStyle(element).color), luminance(ground(element))];
      const [dark, light] = both.sort((a, b) => a - b);
      return (light + .05) / (dark + .05) < 4.5;
    }).map(element => element.outerHTML.slice(0, 120));
}"""
"""Colours as they are computed: axe reads those of the style sheet."""


async def hidden_focus(page: Page) -> list[str]:
    """What a reader who goes through the page by Tab cannot see when it has the focus."""
    found = []
    for _ in range(MAX_TABS):
        await page.keyboard.press("Tab")
        hidden = await page.evaluate(HIDDEN_FOCUS)
        if hidden is None:
            break
        found += hidden
    return found


@pytest.mark.audit
@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("state", ["calm", "USD"])
async def test_no_bar_covers_what_has_the_focus(
    browser: Browser, places: Places, size: dict[str, int], state: str
) -> None:
    place, found = await places.at(state), []
    for path in [*place.live_paths, "/bots", "/settings", "/explain"]:
        page = await browser.new_page(viewport=size)  # type: ignore[arg-type]
        await page.goto(f"{place.url}{path}")
        found += [f"{path}: {each}" for each in await hidden_focus(page)]
        await page.close()
    assert not found, "\n".join(found)


@pytest.mark.audit
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_forced_colours_show_words_and_shapes(browser: Browser, places: Places, scheme: str) -> None:
    place, found = await places.at("calm"), []
    page = await browser.new_page(viewport=PHONE, forced_colors="active", color_scheme=scheme)  # type: ignore[arg-type]
    for path in place.live_paths:
        await page.goto(f"{place.url}{path}")
        assert await page.evaluate("matchMedia('(forced-colors: active)').matches")
        problems = [*await page.evaluate(UNSEEN_SHAPES), *await page.evaluate(FAINT_WORDS)]
        found += [f"{path}: {each}" for each in problems]
    await page.close()
    assert not found, "\n".join(found)


@pytest.mark.audit
@pytest.mark.timeout(600)
@pytest.mark.parametrize("state", ["calm", "demo", "trouble"])
async def test_paper_takes_two_sheets_and_has_times(browser: Browser, places: Places, state: str) -> None:
    place, found = await places.at(state), []
    page = await browser.new_page()
    for path in place.live_paths:
        await page.goto(f"{place.url}{path}")
        sheets = len(re.findall(rb"/Type\s*/Page\b", await page.pdf(format="A4", prefer_css_page_size=True)))
        await page.emulate_media(media="print")
        words = await page.inner_text("body")
        await page.emulate_media(media=None)
        found += [f"{path}: {sheets} sheets"] if sheets > MAX_SHEETS else []
        found += [f"{path}: {age}" for age in re.findall(r".*\d\s(?:s|min|h|d) ago", words)]
        found += [] if f"{now():%-d %b %Y}" in words else [f"{path}: no date of printing"]
    await page.close()
    assert not found, "\n".join(found)


@pytest.mark.audit
@pytest.mark.timeout(300)
async def test_a_wall_is_used_to_its_edges(browser: Browser, places: Places) -> None:
    place = await places.at("USD")
    page = await browser.new_page(viewport={"width": 2560, "height": 1440})
    for path in place.live_paths:
        await page.goto(f"{place.url}{path}")
        boxes = await page.evaluate(
            "[...document.querySelectorAll('main .card')].map(card => card.getBoundingClientRect().toJSON())"
        )
        assert min(box["left"] for box in boxes) < 100, path
        assert max(box["right"] for box in boxes) > 2460, path
    await page.close()


@pytest.mark.audit
async def test_now_is_short_on_a_phone(browser: Browser, places: Places) -> None:
    place = await places.at("demo")
    page = await browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
    await page.goto(place.url)
    assert await page.evaluate("document.documentElement.scrollHeight") <= MAX_HEIGHT_OF_NOW
    await page.close()
