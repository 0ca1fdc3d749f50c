"""Every page passes axe: WCAG 2.2 AA and best practice, on a phone and at a desk, light and dark, in every state."""

import pytest
from playwright.async_api import Browser, Page, expect

from e2e.faultproxy import Reset
from e2e.looks.places import STATES, Place, Places

pytestmark = pytest.mark.asyncio(loop_scope="package")

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """async only => {
  document.querySelectorAll('details').forEach(details => details.open = true);
  const found = await axe.run({ runOnly: only, resultTypes: ['violations'] });
  return found.violations.flatMap(each => each.nodes.slice(0, 3).map(node =>
    `${each.id}: ${node.target} ${node.html.slice(0, 160)} ${node.any.map(check => check.message)}`));
}"""


async def violations(page: Page, axe: str, schemes: tuple[str, ...], sizes: tuple[dict[str, int], ...]) -> list[str]:
    """All rules in the first scheme, contrast in the others: nothing else depends on colours."""
    await page.evaluate(axe)
    found = []
    for size in sizes:
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        for scheme in schemes:
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            only = RULES if scheme == schemes[0] else ["color-contrast"]
            found += [f"{size['width']} {scheme} {each}" for each in await page.evaluate(VIOLATIONS, only)]
    return found


async def check(browser: Browser, axe: str, place: Place, paths: list[str], *sizes: dict[str, int]) -> None:
    page, found = await browser.new_page(), []
    for path in paths:
        await page.goto(f"{place.url}{path}", wait_until="load")
        found += [f"{path} {each}" for each in await violations(page, axe, ("light", "dark"), sizes)]
    await page.close()
    assert not found, "\n".join(found)


async def test_a_phone_shows_an_account_that_anyone_can_use(browser: Browser, places: Places, axe: str) -> None:
    place = await places.at("calm")
    await check(browser, axe, place, [place.live_paths[0], place.live_paths[1], place.live_paths[-1]], PHONE)


@pytest.mark.audit
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("state", [state for state in STATES if state != "alone"])
async def test_anyone_can_use_every_page(browser: Browser, places: Places, axe: str, state: str) -> None:
    place = await places.at(state)
    await check(browser, axe, place, place.paths, PHONE, DESK)


@pytest.mark.audit
@pytest.mark.timeout(1200)
async def test_muted_figures_keep_their_contrast(browser: Browser, places: Places, axe: str) -> None:
    """While the database is away, on a page that was open before and on one that is opened then."""
    place = await places.at("alone")
    assert place.database is not None
    found = []
    for path in place.live_paths:
        page = await browser.new_page()
        await page.goto(f"{place.url}{path}")
        await expect(page.locator("html[data-live=ws]")).to_be_attached()
        place.database.fail(Reset())
        await expect(page.locator("#state.old")).to_be_attached()
        found += [f"{path} {each}" for each in await violations(page, axe, ("light", "dark"), (PHONE, DESK))]
        await page.reload()
        found += [f"{path} {each}" for each in await violations(page, axe, ("light", "dark"), (PHONE, DESK))]
        place.database.heal()
        await expect(page.locator("#state:not(.old)")).to_be_attached()
        await page.close()
    assert not found, "\n".join(found)


@pytest.mark.audit
@pytest.mark.timeout(600)
async def test_a_lost_connection_keeps_the_contrast(browser: Browser, places: Places, axe: str) -> None:
    place, found = await places.at("calm"), []
    for path in place.live_paths:
        page = await browser.new_page()
        await page.goto(f"{place.url}{path}")
        await expect(page.locator("html[data-live=ws]")).to_be_attached()
        await page.context.set_offline(True)
        await expect(page.locator("html[data-silent]")).to_be_attached()
        found += [f"{path} {each}" for each in await violations(page, axe, ("light", "dark"), (PHONE, DESK))]
        await page.close()
    assert not found, "\n".join(found)
