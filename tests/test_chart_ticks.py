"""Ticks are round, few and where they say, over every magnitude that a price or an account can have."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from monitoring.charts.scales import inner_ticks, time_ticks

DAY = 86400.0

magnitudes = st.integers(-9, 12).map(lambda exponent: 10.0**exponent)
values = st.builds(lambda size, part: size * part, magnitudes, st.floats(-1, 1))


@given(low=values, high=values, count=st.integers(3, 7))
@example(low=0.0, high=5e-324, count=3)
def test_ticks_are_round_even_few_and_inside(low: float, high: float, count: int) -> None:
    low, high = min(low, high), max(low, high)
    assume(high - low > 1e-9 * max(abs(low), abs(high)))
    ticks = inner_ticks(low, high, count)
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= count + 1
    assert all(low - 1e-6 * (high - low) <= tick <= high + 1e-6 * (high - low) for tick in ticks)
    if len(ticks) < 2:
        return
    step = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    precision = max(abs(ticks[0]), abs(ticks[-1])) * 1e-15
    assert [b - a for a, b in pairwise(ticks)] == pytest.approx([step] * (len(ticks) - 1), rel=1e-3, abs=8 * precision)
    leading = step / 10 ** math.floor(math.log10(step * 1.0001))
    assert min(abs(leading - factor) for factor in (1, 2, 2.5, 5)) < 1e-3 + 20 * precision / step


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (10_000.0, 11_547.1, [10_000.0, 10_500.0, 11_000.0, 11_500.0]),
        (-11.7, 0.0, [-10.0, -5.0, 0.0]),
        (1.1e-9, 1.9e-9, [1.2e-9, 1.4e-9, 1.6e-9, 1.8e-9]),
        (0.3, 0.7, [0.3, 0.4, 0.5, 0.6, 0.7]),
    ],
)
def test_ticks_by_example(low: float, high: float, ticks: list[float]) -> None:
    assert inner_ticks(low, high, 4) == pytest.approx(ticks, rel=1e-12)


@pytest.mark.parametrize(
    ("start", "end", "ticks"),
    [
        ("2026-11-21 14:30", "2026-11-22 14:30", ["11-21 18:00", "11-22 00:00", "11-22 06:00", "11-22 12:00"]),
        ("2026-11-22 00:00", "2026-11-23 00:00", [f"11-22 {h:02}:00" for h in (0, 6, 12, 18)] + ["11-23 00:00"]),
        ("2026-11-15 14:30", "2026-11-22 14:30", ["11-17 00:00", "11-19 00:00", "11-21 00:00"]),
        ("2026-10-23 14:30", "2026-11-22 14:30", [f"{d} 00:00" for d in ("10-26", "11-02", "11-09", "11-16")]),
        ("2026-08-24 14:30", "2026-11-22 14:30", [f"{d} 00:00" for d in ("09-01", "10-01", "11-01")]),
        ("2025-11-22 14:30", "2026-11-22 14:30", [f"{d} 00:00" for d in ("01-01", "04-01", "07-01", "10-01")]),
        ("2026-11-22 14:30", "2026-11-22 14:35", ["11-22 14:30", "11-22 14:32", "11-22 14:34"]),
    ],
)
def test_time_ticks_by_example(start: str, end: str, ticks: list[str]) -> None:
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() for text in (start, end)]
    found = [f"{datetime.fromtimestamp(at, UTC):%m-%d %H:%M}" for at in time_ticks(*moments)]
    assert found == ticks


@given(start=st.integers(0, 4 * 10**9), span=st.integers(60, 40 * 365 * 86400), most=st.integers(2, 8))
def test_time_ticks_are_few_round_and_inside(start: int, span: int, most: int) -> None:
    ticks = time_ticks(start, start + span, most)
    assert len(ticks) <= most
    assert ticks == sorted(set(ticks))
    assert all(start <= at <= start + span for at in ticks)
    moments = [datetime.fromtimestamp(at, UTC) for at in ticks]
    if span > 2 * 365 * DAY:
        assert all((m.day, m.hour, m.minute, m.second) == (1, 0, 0, 0) for m in moments)
    elif span > 10 * DAY:
        assert all((m.hour, m.minute, m.second) == (0, 0, 0) for m in moments)
    if most >= 4 and span >= 3600:
        assert ticks


def test_no_time_has_no_ticks() -> None:
    assert time_ticks(5.0, 5.0) == time_ticks(5.0, 4.0) == []
