"""What a section says, as its reader does: the words of its HTML."""

import re
from datetime import datetime
from html import unescape
from typing import Any

from tests.rows import now


def stamped(moment: datetime) -> str:
    """A moment as cards write it: without its day where that is today (UTC)."""
    return f"{moment:%H:%M}" if moment.date() == now().date() else f"{moment.day} {moment:%b %H:%M}"


async def words(client: Any, section: str, **query: str) -> str:
    """The words of a section, in the order of its source, with single spaces between them."""
    response = await client.get(f"/partials/{section}", query_string=query)
    html = await response.get_data(as_text=True)
    assert response.status_code == 200, html
    return words_of(html)


def words_of(html: str) -> str:
    """Ends of blocks part words; narrow spaces, and those within a figure, stay as they are."""
    blocks = re.sub(
        r"</?(?:p|div|dt|dd|dl|b|li|ul|ol|td|th|tr|table|label|text|h2|h3|fieldset|legend)\b[^>]*>", " ", html
    )
    return re.sub(r"[ \n]+", " ", unescape(re.sub(r"<[^>]*>", "", blocks))).strip()
