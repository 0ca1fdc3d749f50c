"""The style sheet is sent without comments; a browser reads the same rules from it."""

from e2e.conftest import OpenPage
from monitoring.resources import resource_dir
from monitoring.web.style import SHEETS
from tests.running import Dashboard

RULES = """sheet => {
  const read = new CSSStyleSheet();
  read.replaceSync(sheet);
  return [...read.cssRules].map(rule => rule.cssText);
}"""


async def test_a_browser_reads_the_same_rules(dashboard: Dashboard, open_page: OpenPage) -> None:
    page = await open_page(f"{dashboard.url}/settings")
    for name in SHEETS:
        sent = await (await page.request.get(f"{dashboard.url}/static/css/{name}")).text()
        written = (resource_dir("static") / "css" / name).read_text("utf-8")
        rules = await page.evaluate(RULES, written)
        assert rules == await page.evaluate(RULES, sent)
        assert len(rules) > 100
        assert len(sent) < 0.9 * len(written)
