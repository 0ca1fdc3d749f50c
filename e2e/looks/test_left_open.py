"""A page that is left open on a phone, on the demo at its usual speed: nothing jumps, and little is sent."""

import pytest
from playwright.async_api import Browser

from e2e.looks.left_open import LeftOpen, left_open
from e2e.looks.places import Places
from monitoring.sections.pages import ACTIVITY, TABS

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.audit, pytest.mark.timeout(600)]

WATCHED_SECONDS = 120
MAX_SHIFT = 0.001
MAX_REQUESTS_A_MINUTE = 45
MAX_BYTES_A_MINUTE = 120_000


async def test_nothing_jumps_and_little_is_sent(browser: Browser, places: Places) -> None:
    place = await places.at("demo")
    paths = [*(page.path for page in (*TABS, ACTIVITY)), *place.stories]
    found = await left_open(browser, [f"{place.url}{path}" for path in paths], WATCHED_SECONDS)
    assert [one.path for one in found if one.requests == []] == [], "a page of the demo that never changes"
    wrong = [line for one in found for line in _too_much(one)]
    assert not wrong, "\n".join(wrong)


def _too_much(one: LeftOpen) -> list[str]:
    minutes = WATCHED_SECONDS / 60
    requests, received = len(one.requests) / minutes, one.received / minutes
    return [
        *([f"{one.path} moves by {one.shift:.4f}: {one.shifts}"] if one.shift > MAX_SHIFT else []),
        *([f"{one.path} asks {requests:.0f} times a minute"] if requests > MAX_REQUESTS_A_MINUTE else []),
        *([f"{one.path} receives {received:.0f} bytes a minute"] if received > MAX_BYTES_A_MINUTE else []),
    ]
