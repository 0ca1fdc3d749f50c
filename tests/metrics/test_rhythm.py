"""How old a sign of life may be: what is learned from the times at which an engine wrote."""

from collections.abc import Sequence

import pytest

from monitoring.metrics.rhythm import beats, limit_seconds, timeframe_seconds

MINUTE, HOUR = 60.0, 3600.0


def every(seconds: float, count: int) -> list[float]:
    """Times with ``count`` gaps between them."""
    return [number * seconds for number in range(count + 1)]


@pytest.mark.parametrize(
    ("sources", "timeframe", "minutes"),
    [
        ([every(HOUR, 40)], "1h", 75),
        ([every(30 * MINUTE, 40)], "1h", 37.5),
        ([every(10 * MINUTE, 40)], "1h", 30),
        ([every(5 * MINUTE, 40)], "1h", 15),
        ([every(MINUTE, 40)], "1h", 5),
        ([every(10, 400)], "1h", 5),
        ([every(30 * MINUTE, 40), every(MINUTE, 40)], "1h", 5),
        ([every(MINUTE, 10)], "1h", 5),
        ([every(MINUTE, 9)], "1h", 75),
        ([every(MINUTE, 9), every(HOUR, 20)], "15m", 75),
        ([], "15m", 18.75),
        ([[]], "1m", 5),
        ([], "unknown", 75),
    ],
)
def test_the_limit_follows_the_fastest_rhythm(sources: list[list[float]], timeframe: str, minutes: float) -> None:
    assert limit_seconds(sources, timeframe) == minutes * MINUTE


def test_rows_of_one_moment_are_one_beat() -> None:
    """Six markets, six rows within 25 ms, every hour."""
    written = [hour * HOUR + market * 0.005 for hour in range(41) for market in range(6)]
    assert limit_seconds([written], "1h") == 75 * MINUTE


def test_a_beat_does_not_swallow_all_that_follow() -> None:
    assert beats([0, 29.9, 30, 59, 60.5]) == [0, 30, 60.5]


def with_pauses(long: int, gaps: int) -> Sequence[float]:
    times = [0.0]
    for number in range(gaps):
        times.append(times[-1] + (2.1 if number < long else 1) * MINUTE)
    return times


@pytest.mark.parametrize(("long", "minutes"), [(2, 5), (3, 75)])
def test_four_of_five_gaps_make_it_regular(long: int, minutes: float) -> None:
    assert limit_seconds([with_pauses(long, 10)], "1h") == minutes * MINUTE


def test_only_the_newest_thirty_beats_count() -> None:
    slow = every(HOUR, 40)
    quick = [slow[-1] + gap for gap in every(MINUTE, 29)]
    assert limit_seconds([slow + quick[1:]], "1h") == 5 * MINUTE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("1h", HOUR), ("4H", 4 * HOUR), ("1d", 24 * HOUR), ("1w", 168 * HOUR), ("1M", 720 * HOUR),
     ("30min", 1800), ("0h", HOUR), ("hourly", HOUR), ("", HOUR)],
)  # fmt: skip
def test_timeframes(text: str, seconds: float) -> None:
    assert timeframe_seconds(text) == seconds
