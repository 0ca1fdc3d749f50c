"""What viewers are told: everything that moved, nothing twice, a burst as one signal."""

import asyncio

import pytest

from monitoring.realtime.hub import Hub

QUIET = 0.2


@pytest.fixture
async def hub() -> Hub:
    hub = Hub(("trades", "risk"), quiet=QUIET)
    hub.switch(7)
    await asyncio.sleep(QUIET * 1.5)
    return hub


async def test_viewers_of_current_hear_of_the_session_it_means(hub: Hub) -> None:
    current, seven, eight = hub.subscribe("current"), hub.subscribe("7"), hub.subscribe("8")
    hub.publish(7, ["trades"])
    assert await current.next(1) == {"trades": hub.version("current", "trades")}
    assert await seven.next(1) == {"trades": hub.version("7", "trades")}
    assert await eight.next(0.05) == {}


async def test_a_burst_is_two_signals_the_first_at_once(hub: Hub) -> None:
    viewer = hub.subscribe("7")
    hub.publish(7, ["trades"])
    assert await viewer.next(0.01)
    for _ in range(999):
        hub.publish(7, ["trades"])
    assert await viewer.next(0.01) == {}
    assert await viewer.next(QUIET * 3) == {"trades": hub.version("7", "trades")}
    assert await viewer.next(QUIET * 3) == {}


async def test_a_slow_viewer_keeps_one_version_a_section(hub: Hub) -> None:
    viewer = hub.subscribe("7")
    for _ in range(50):
        hub.publish(7, ["trades", "risk"])
    await asyncio.sleep(QUIET * 2)
    assert await viewer.next(1) == hub.versions("7")


async def test_another_current_session_makes_everything_stale(hub: Hub) -> None:
    viewer = hub.subscribe("current")
    before = hub.versions("current")
    hub.switch(9)
    assert (await viewer.next(1)).keys() == before.keys()
    assert hub.versions("current") != before


async def test_versions_differ_between_two_starts() -> None:
    assert Hub(("trades",)).versions("current") != Hub(("trades",)).versions("current")


async def test_closing_ends_every_wait(hub: Hub) -> None:
    viewer = hub.subscribe("7")
    waiting = asyncio.create_task(viewer.next(60))
    await asyncio.sleep(0)
    hub.close()
    assert await asyncio.wait_for(waiting, 1) == {}
    assert viewer.closed
    assert hub.subscribe("7").closed
