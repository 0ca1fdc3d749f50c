"""What an event stream has not been sent yet: the newest of everything, once, and within a limit."""

import asyncio

import pytest

from monitoring.scope_key import CURRENT
from monitoring.signals.subscription import Subscription
from monitoring.transports.event_buffer import MAX_KEPT_ROWS, EventBuffer, EventStreams
from tests.waiting import WAIT_SECONDS


@pytest.fixture
def unsent() -> EventBuffer:
    return EventBuffer(Subscription(CURRENT))


async def test_an_event_wakes_its_stream() -> None:
    subscription = Subscription(CURRENT)
    waiting = asyncio.create_task(subscription.next(WAIT_SECONDS))
    EventBuffer(subscription).add("metrics_update", {})
    async with asyncio.timeout(WAIT_SECONDS / 2):
        assert await waiting is None


def test_only_the_newest_metrics_are_kept(unsent: EventBuffer) -> None:
    unsent.add("metrics_update", {"equity": 1})
    unsent.add("metrics_update", {"equity": 2})
    assert unsent.take() == [("metrics_update", {"equity": 2})]
    assert unsent.take() == []


def test_a_trade_that_changed_is_sent_once_as_it_is_now(unsent: EventBuffer) -> None:
    unsent.add("trade_update", {"trades": [{"id": 1, "pnl": 5}, {"id": 2, "pnl": 5}]})
    unsent.add("trade_update", {"trades": [{"id": 1, "pnl": 6}]})
    assert unsent.take() == [("trade_update", {"trades": [{"id": 2, "pnl": 5}, {"id": 1, "pnl": 6}]})]


def test_a_trade_is_there_or_removed_and_not_both(unsent: EventBuffer) -> None:
    unsent.add("trade_update", {"trades": [{"id": 1}, {"id": 2}], "removed": [3]})
    unsent.add("trade_update", {"trades": [{"id": 3}], "removed": [1]})
    assert unsent.take() == [("trade_update", {"trades": [{"id": 2}, {"id": 3}], "removed": [1]})]


def test_of_very_many_trades_the_newest_are_kept(unsent: EventBuffer) -> None:
    for number in range(3 * MAX_KEPT_ROWS):
        unsent.add("trade_update", {"trades": [{"id": number}]})
    [(_, payload)] = unsent.take()
    assert [trade["id"] for trade in payload["trades"]] == list(range(2 * MAX_KEPT_ROWS, 3 * MAX_KEPT_ROWS))


def test_a_position_is_open_or_closed_and_not_both(unsent: EventBuffer) -> None:
    unsent.add("position_update", {"positions": [{"id": 1}, {"id": 2}], "closed": [3]})
    unsent.add("position_update", {"positions": [{"id": 3}], "closed": [1]})
    assert unsent.take() == [("position_update", {"positions": [{"id": 2}, {"id": 3}], "closed": [1]})]


def test_closings_are_bounded_too(unsent: EventBuffer) -> None:
    unsent.add("position_update", {"positions": [], "closed": list(range(2 * MAX_KEPT_ROWS))})
    [(_, payload)] = unsent.take()
    assert payload["closed"] == list(range(MAX_KEPT_ROWS, 2 * MAX_KEPT_ROWS))


def test_trades_come_before_the_metrics_that_count_them(unsent: EventBuffer) -> None:
    unsent.add("metrics_update", {"total_trades": 1})
    unsent.add("trade_update", {"trades": [{"id": 1}]})
    assert [event for event, _ in unsent.take()] == ["trade_update", "metrics_update"]


def test_an_event_that_nobody_knows_is_refused(unsent: EventBuffer) -> None:
    with pytest.raises(ValueError, match="trade_updated: expected metrics_update"):
        unsent.add("trade_updated", {})


async def test_every_stream_gets_everything_until_it_leaves() -> None:
    streams = EventStreams()
    first, second = (EventBuffer(Subscription(CURRENT)) for _ in range(2))
    streams.join(first), streams.join(second)
    streams.emit("metrics_update", {"equity": 1})
    assert first.take() == second.take() != []
    streams.leave(first)
    assert len(streams) == 1
    streams.emit("metrics_update", {"equity": 2})
    assert (first.take(), len(second.take())) == ([], 1)
