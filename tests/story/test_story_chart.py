"""The price around a deal: what is drawn, and where words stand."""

from datetime import datetime, timedelta

import pytest

from monitoring.formatting import from_epoch
from monitoring.story.chart import MARGINS, Price, PriceChart, price_chart, shown_span
from monitoring.story.deal import Deal
from monitoring.story.marks import ROOMS
from tests.story.rows import CLOSED, OPENED, after, deal, open_deal


def prices() -> list[Price]:
    """One each half hour, from two hours before the entry on, rising from 98 to 112."""
    return [(after(hours=number / 2 - 2), 98 + number * 0.5) for number in range(28)]


def charted(of: Deal, some: list[Price], now: datetime = CLOSED) -> PriceChart | None:
    fills = [("entry", of.opened, of.entry), *([] if of.is_open else [("exit", of.until, of.last)])]
    opened = of.opened or OPENED
    return price_chart(of, fills, some, shown_span(opened, None if of.is_open else of.until, now, MARGINS[0]))


def drawn(some: list[Price] | None = None, **columns: object) -> PriceChart:
    found = charted(deal(**columns), some or prices(), CLOSED + timedelta(days=1))
    assert found is not None
    return found


def test_entry_exit_stop_and_target_are_drawn() -> None:
    found = drawn(take_profit=130)
    assert [mark.kind for mark in found.marks] == ["entry", "exit"]
    assert {level.kind: level.beyond for level in found.levels} == {"target": 0, "stop": 0}
    stop = next(level for level in found.levels if level.kind == "stop")
    assert stop.y > found.marks[0].y > found.marks[1].y
    assert found.marks[0].x == found.held_from
    assert found.marks[1].x == pytest.approx(found.held_from + found.held_width, abs=0.02)


@pytest.mark.parametrize("minutes", [1, 10, 60, 600])
@pytest.mark.parametrize("exit_price", [91, 99.99, 100, 112])
def test_words_of_entry_and_exit_do_not_meet(minutes: int, exit_price: float) -> None:
    entry, exit = drawn(exit_time=after(minutes=minutes), exit_price=exit_price).marks
    for room in ROOMS:
        assert not entry.touches(exit, room)
        assert all(0 <= mark.height(room) <= 100 for mark in (entry, exit))


def test_a_target_far_away_does_not_flatten_the_price() -> None:
    found = charted(open_deal(take_profit=1_000_000), prices())
    assert found is not None
    target = next(level for level in found.levels if level.kind == "target")
    assert (target.y, target.beyond) == (0, 1)
    heights = [reading.y for reading in found.readings if reading.y is not None]
    assert max(heights) - min(heights) > 20


def test_a_gap_stays_a_gap() -> None:
    with_gap = [price for price in prices() if not OPENED < price[0] < after(hours=4)]
    found = charted(deal(), with_gap)
    assert found is not None
    assert found.path.count("M") == 2
    assert any(reading.value is None for reading in found.readings)
    assert drawn().path.count("M") == 1


def test_readings_tell_prices_at_their_times() -> None:
    told = {from_epoch(reading.at): reading.value for reading in drawn().readings if reading.value is not None}
    logged = dict(prices()) | {OPENED: 100, CLOSED: 112}
    assert len(told) > 20
    assert all(logged[at] == value for at, value in told.items())


def test_too_few_prices_make_no_chart() -> None:
    assert charted(deal(), prices()[:2]) is None


def test_flat_prices_are_drawn() -> None:
    flat = [(at, 100.0) for at, _ in prices()]
    found = charted(deal(exit_price=100), flat)
    assert found is not None
    assert all(0 <= mark.y <= 100 for mark in found.marks)


def test_a_price_logged_in_the_minute_of_a_fill_is_no_reading() -> None:
    """The engine logs the price at the full hour and is filled some seconds later: a reader would see 10:00 twice."""
    found = drawn([*prices(), (OPENED + timedelta(seconds=8), 98.5)])
    minutes = [from_epoch(reading.at).replace(second=0) for reading in found.readings if reading.value is not None]
    assert sorted(set(minutes)) == minutes
