"""What a browser without style sheets or scripts shows: lynx."""

import asyncio
import os

import pytest

from e2e.looks.places import Places
from scripts.find_server import find_server
from tests.missing import needed
from tests.waiting import WAIT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="package")

MAX_LINES = 20


async def shown(url: str) -> str:
    process = await asyncio.create_subprocess_exec(
        needed("lynx", lambda: find_server("lynx")),
        *("-dump", "-nolist", "-width=80", "-display_charset=utf-8", url),
        env={**os.environ, "LANG": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), WAIT_SECONDS)
    return out.decode()


async def test_lynx_shows_the_equity_in_its_first_lines(places: Places) -> None:
    place = await places.at("alone")
    text = await shown(f"{place.url}/?bot={place.bot}")
    lines = [line.strip() for line in text.splitlines()]
    equity = next(number for number, line in enumerate(lines) if line.startswith("Equity, USD"))
    figure = next(number for number, line in enumerate(lines) if number > equity and line)
    assert lines[figure].replace(",", "").replace(".", "").isdigit(), lines[figure]
    assert figure < MAX_LINES, "\n".join(lines[: figure + 1])


async def test_lynx_shows_no_words_for_other_times(places: Places) -> None:
    place = await places.at("alone")
    for path in place.live_paths:
        text = await shown(f"{place.url}{path}")
        assert "Online" in text
        assert "This bot is gone" not in text
        assert "could not be computed" not in text
