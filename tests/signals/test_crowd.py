"""A crowd of pages takes turns: as many as fetch, not as many as listen."""

import pytest

from monitoring.signals.crowd import MAX_FREE_VIEWERS, Crowd
from tests.clocks import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def crowd(clock: ManualClock) -> Crowd:
    return Crowd(clock.clock)


def fetch(crowd: Crowd, times: int) -> None:
    for _ in range(times):
        crowd.fetches()


def test_a_few_fetch_at_once(crowd: Crowd) -> None:
    fetch(crowd, MAX_FREE_VIEWERS)
    assert crowd.spread_milliseconds(MAX_FREE_VIEWERS) == 0


def test_many_take_about_a_millisecond_each(crowd: Crowd, clock: ManualClock) -> None:
    fetch(crowd, 1000)
    for _ in range(3):
        assert 500 <= crowd.spread_milliseconds(1000) <= 1000
        clock.forward(seconds=2)
        fetch(crowd, 1000)


def test_who_fetches_among_many_listeners_does_not_wait(crowd: Crowd, clock: ManualClock) -> None:
    for _ in range(3):
        clock.forward(seconds=2)
        fetch(crowd, 1)
        assert crowd.spread_milliseconds(1000) == 0


def test_no_more_are_expected_than_listen(crowd: Crowd) -> None:
    fetch(crowd, 1000)
    assert crowd.spread_milliseconds(MAX_FREE_VIEWERS) == 0


def test_a_crowd_that_has_left_is_forgotten(crowd: Crowd, clock: ManualClock) -> None:
    fetch(crowd, 1000)
    clock.forward(seconds=2)
    assert crowd.spread_milliseconds(1000) > 0
    clock.forward(seconds=120)
    assert crowd.spread_milliseconds(1000) == 0
