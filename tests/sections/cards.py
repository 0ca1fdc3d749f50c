"""The cards of pages as readers see them."""

import re
from html import unescape
from typing import Any

TAGS = re.compile(r"<[^>]*>")
UNSEEN = re.compile(r'<span class="(?:spoken|print-only|phone-only)"> ?(?:<time[^>]*>[^<]*</time>|[^<]*)</span>')


async def card(client: Any, name: str, query: str = "") -> str:
    """The HTML of a section."""
    response = await client.get(f"/partials/{name}{query}")
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


def words(html: str) -> str:
    """What a screen shows of it, with single spaces."""
    return " ".join(unescape(TAGS.sub(" ", UNSEEN.sub("", html))).split()).replace(" ,", ",")


def rows(html: str) -> list[str]:
    """The words of each line of a list, or of the body of a table."""
    return [words(part.split("</li>")[0].split("</tr>")[0]) for part in re.split(r"<li\b[^>]*>|<tr\b[^>]*>", html)[1:]]
