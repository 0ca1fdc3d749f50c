"""Signals to viewers: everything that moved, nothing twice, a burst as one signal."""

import asyncio

import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.scope_key import CURRENT, ScopeKey, SessionScope
from monitoring.signals.hub import Hub
from tests.signalled import signal_to
from tests.waiting import WAIT_SECONDS

THROTTLE_SECONDS = 0.5
SEVEN, EIGHT = SessionScope(7), SessionScope(8)


@pytest.fixture
async def hub() -> Hub:
    hub = Hub(("trade_list", "risk_now"), SYSTEM_CLOCK, throttle_seconds=THROTTLE_SECONDS)
    hub.define(CURRENT, [7])
    return hub


async def test_viewers_of_current_hear_of_its_sessions(hub: Hub) -> None:
    current, seven, eight = hub.subscribe(CURRENT), hub.subscribe(SEVEN), hub.subscribe(EIGHT)
    hub.publish(7, ["trade_list"])
    assert (await signal_to(current)).versions == {"trade_list": hub.versions.of(CURRENT, "trade_list")}
    assert (await signal_to(seven)).versions == {"trade_list": hub.versions.of(SEVEN, "trade_list")}
    assert await eight.next(0.05) is None


async def test_a_burst_is_two_signals_the_first_at_once(hub: Hub) -> None:
    viewer = hub.subscribe(SEVEN)
    hub.publish(7, ["trade_list"])
    assert await signal_to(viewer)
    for _ in range(999):
        hub.publish(7, ["trade_list"])
    assert await viewer.next(0.01) is None
    assert (await signal_to(viewer)).versions == {"trade_list": hub.versions.of(SEVEN, "trade_list")}
    assert await viewer.next(THROTTLE_SECONDS * 1.5) is None


async def test_a_viewer_that_joins_in_a_burst_gets_the_rest(hub: Hub) -> None:
    hub.subscribe(SEVEN)
    hub.publish(7, ["trade_list"])
    before = hub.versions.all(SEVEN)
    hub.publish(7, ["trade_list"])
    viewer = hub.subscribe(SEVEN)
    have = hub.polled(SEVEN)
    assert hub.hello(SEVEN)["versions"] == have == hub.versions.all(SEVEN) != before
    assert (await signal_to(viewer)).versions == {"trade_list": hub.versions.of(SEVEN, "trade_list")}


async def test_a_slow_viewer_keeps_one_version_a_section(hub: Hub) -> None:
    viewer, quick = hub.subscribe(SEVEN), hub.subscribe(SEVEN)
    for _ in range(50):
        hub.publish(7, ["trade_list", "risk_now"])
    while (await signal_to(quick)).version != hub.versions.newest.text:
        pass
    assert (await signal_to(viewer)).versions == hub.versions.all(SEVEN)


async def test_another_current_session_makes_everything_stale(hub: Hub) -> None:
    viewer = hub.subscribe(CURRENT)
    before = hub.versions.all(CURRENT)
    hub.define(CURRENT, [9])
    assert (await signal_to(viewer)).versions.keys() == before.keys()
    assert hub.versions.all(CURRENT) != before


async def test_closing_ends_every_wait(hub: Hub) -> None:
    viewer = hub.subscribe(SEVEN)
    waiting = asyncio.create_task(viewer.next(60))
    await asyncio.sleep(0)
    hub.close()
    assert await asyncio.wait_for(waiting, WAIT_SECONDS) is None
    assert viewer.closed
    assert hub.subscribe(SEVEN).closed


async def test_sections_of_one_signal_come_in_one_signal_again(hub: Hub) -> None:
    viewer = hub.subscribe(SEVEN)
    hub.publish(7, ["trade_list"])
    hub.publish(7, ["risk_now"])
    hub.publish(7, ["risk_now", "trade_list"])
    await signal_to(viewer)
    assert (await signal_to(viewer)).versions.keys() == {"trade_list", "risk_now"}


async def test_the_sections_of_a_signal_have_one_version(hub: Hub) -> None:
    """That is the newest of all: who fetches at it gets what every signal before said, too."""
    viewer = hub.subscribe(SEVEN)
    hub.publish_commits("a1", {7: (["trade_list"], 1000)})
    hub.publish_commits("a2", {7: (["trade_list"], 1000), 8: (["risk_now"], 1000)})
    hub.publish_commits("a3", {7: (["risk_now"], 1000)})
    await signal_to(viewer)
    assert (await signal_to(viewer)).versions == {"trade_list": hub.versions.newest.text}
    assert hub.versions.of(SEVEN, "trade_list") != hub.versions.newest.text == hub.versions.of(SEVEN, "risk_now")


async def test_what_is_urgent_does_not_wait_for_what_is_not(hub: Hub) -> None:
    viewer = hub.subscribe(SEVEN)
    for token, gap in (("a1", 2000), ("a2", 0)):
        hub.publish_commits(token, {7: (["trade_list"], gap)})
        signal = await viewer.next(0.01)
        assert signal is not None
        assert signal.payload == {"trade_list": hub.versions.newest.text, **({"gap": gap} if gap else {})}
    for token, gap in (("a3", 2000), ("a4", 0), ("a5", 1000)):
        hub.publish_commits(token, {7: (["trade_list"], gap)})
    assert await viewer.next(0.01) is None
    assert (await signal_to(viewer)).payload == {"trade_list": hub.versions.newest.text}
    assert await viewer.next(THROTTLE_SECONDS * 1.5) is None


async def test_a_slow_viewer_hears_that_something_was_urgent(hub: Hub) -> None:
    viewer = hub.subscribe(SEVEN)
    for token, section, gap in (("a1", "trade_list", 0), ("a2", "risk_now", 2000)):
        hub.publish_commits(token, {7: ([section], gap)})
    assert (await signal_to(viewer)).payload == dict.fromkeys(("trade_list", "risk_now"), hub.versions.newest.text)


async def test_a_prefetch_begins_when_somebody_is_sent_a_signal(hub: Hub) -> None:
    heard: list[tuple[ScopeKey, set[str]]] = []
    hub.add_prefetcher(lambda scope, news: heard.append((scope, set(news))))
    hub.publish(7, ["trade_list"])
    assert heard == []
    hub.subscribe(SEVEN)
    hub.publish(7, ["risk_now"])
    assert heard == [(SEVEN, {"risk_now"})]


async def test_it_counts_viewers_and_knows_when_it_is_full(hub: Hub) -> None:
    hub.max_viewers = 2
    first, second = hub.subscribe(SEVEN), hub.subscribe(CURRENT)
    assert (hub.viewers, hub.viewed(), hub.full) == (2, {SEVEN, CURRENT}, True)
    hub.remove(first)
    hub.remove(second)
    assert (hub.viewers, hub.viewed(), hub.full) == (0, set(), False)
