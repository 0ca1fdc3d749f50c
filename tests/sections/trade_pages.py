"""The page of trades as its reader sees it: words without markup, and links that can be followed."""

import re
from html import unescape
from typing import Any

TAGS = re.compile(r"<span class=\"phone-only\">.*?</span>|<[^>]+>", re.DOTALL)
ROW = re.compile(r"<tr[^>]*>(?P<cells>.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)
FIGURE = re.compile(r"<dt>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", re.DOTALL)
LINK = re.compile(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)


def words(html: str) -> str:
    """What is read aloud, spaces of every kind as one."""
    return re.sub(r"\s+", " ", unescape(TAGS.sub(" ", html))).strip()


async def page(client: Any, path: str = "/trades") -> str:
    response = await client.get(path)
    text: str = await response.get_data(as_text=True)
    assert response.status_code == 200, words(text)
    return text


async def refusal(client: Any, path: str) -> str:
    response = await client.get(path)
    assert response.status_code == 422, path
    message: str = (await response.get_json())["error"]["message"]
    return message


def figures(html: str) -> dict[str, str]:
    """Of the selection, by what they are called."""
    selection = html.partition('<dl class="selection">')[2].partition("</dl>")[0]
    return {words(name): words(value) for name, value in FIGURE.findall(selection)}


def rows(html: str) -> list[list[str]]:
    """The lines of the list, those of days too, cell by cell."""
    body = html.partition('<table class="trades')[2].partition("</thead>")[2]
    return [[words(cell) for cell in CELL.findall(row["cells"])] for row in ROW.finditer(body)]


def days(html: str) -> list[list[str]]:
    """The lines of days alone."""
    return [row for row in rows(html) if len(row) == 2]


def trades(html: str) -> list[list[str]]:
    """The lines of trades alone."""
    return [row for row in rows(html) if len(row) > 2]


def ids(html: str) -> list[int]:
    """Of the trades, as their links name them."""
    return [int(number) for number in re.findall(r'href="/trades/(\d+)', html)]


def link(html: str, wanted: str) -> str | None:
    """Where a link of these words leads; None where there is none."""
    return next((unescape(address) for address, text in LINK.findall(html) if words(text) == wanted), None)


def chosen(html: str) -> list[str]:
    """What is chosen in the filter."""
    return [words(text) for text in re.findall(r'<a [^>]*aria-current="true">(.*?)</a>', html)]
