"""The price around a deal, as logged and traded at, with entry, exit, stop and target: in percent of the plot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

import numpy as np

from monitoring.charts.paths import line, runs, series
from monitoring.charts.plot import Date, Rule, dates_of, rules_of
from monitoring.charts.readings import Reading, readings_of_slices
from monitoring.charts.scales import Scale, inner_ticks, time_ticks
from monitoring.story.deal import Deal
from monitoring.story.marks import Mark, Point, with_words

LEAD_SHARE, TAIL_SHARE = 0.6, 0.35
"""How much is shown before the entry and after the exit, as a share of the time between them."""
MARGINS = (timedelta(minutes=30), timedelta(hours=6))
"""At least so much; the wider where few prices were logged."""
MIN_POINTS = 3
PADDING_SHARE = 0.07
MAX_DATES = 3
"""So many times have room below the plot of a narrow phone."""
FAR_FACTOR = 6
"""A stop or target further away than so many times what the price moved stands at the edge."""
GAP_FACTOR = 5
"""Logged prices further apart than so many times their usual distance are not joined by a line."""

Price = tuple[datetime, float]
Fills = Sequence[tuple[str, datetime | None, Decimal | None]]
"""What was bought and sold: entry, exit or part, when, and at what price; and now."""


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line. ``beyond`` is 1 where it lies above what is shown, -1 below; it stands at the edge then."""

    kind: str
    y: float
    price: Decimal
    beyond: int


@dataclass(frozen=True, slots=True)
class PriceChart:
    path: str
    """In a viewBox of 1000 x 100."""
    held_from: float
    held_width: float
    """The time in which the position was open."""
    levels: tuple[Level, ...]
    marks: tuple[Mark, ...]
    """The entry, and the exit or now."""
    parts: tuple[Point, ...]
    """Partial exits, and what was added."""
    rules: tuple[Rule, ...]
    dates: tuple[Date, ...]
    readings: tuple[Reading, ...]
    span_seconds: float


def shown_span(
    opened: datetime, closed: datetime | None, now: datetime, margin: timedelta
) -> tuple[datetime, datetime]:
    """From when to when prices are shown, at least ``margin`` before the entry and after the exit."""
    until = closed or now
    held = max(until - opened, timedelta(0))
    lead, tail = max(held * LEAD_SHARE, margin), max(held * TAIL_SHARE, margin)
    # As far as there is time: a row may hold its first or last moment.
    lead, tail = min(lead, opened - datetime.min), min(tail, datetime.max - until)  # noqa: DTZ901
    return opened - lead, min(until + tail, max(now, until))


def price_chart(
    deal: Deal, fills: Fills, prices: Sequence[Price], span: tuple[datetime, datetime]
) -> PriceChart | None:
    """``prices``: oldest first; ``span``: what is shown. None where too few were logged."""
    prices = [price for price in prices if span[0] <= price[0] <= span[1]]
    if len(prices) < MIN_POINTS:
        return None
    known = sorted(_known(fills, prices))
    return _drawn(deal, fills, known, span) if len(known) >= MIN_POINTS else None


def _known(fills: Fills, prices: Sequence[Price]) -> list[Price]:
    """Of one minute, which is what a reading says, there is one price: that of a fill."""
    filled = [(at, float(price)) for _, at, price in fills if at and price is not None]
    minutes = {_minute(at) for at, _ in filled}
    return [*filled, *(logged for logged in prices if _minute(logged[0]) not in minutes)]


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _drawn(deal: Deal, fills: Fills, prices: Sequence[Price], span: tuple[datetime, datetime]) -> PriceChart:
    start, end = map(_seconds, span)
    low, high = _range(deal, prices)
    across, down = Scale(start, end, 0.0, 100.0), Scale(low, high, 100.0, 0.0)
    x, y = series([(start, None), *_with_gaps(prices), (end, None)])
    xs, ys = across.of(x), down.of(y)
    levels = tuple(_level(kind, price, down) for kind, price in _level_prices(deal))
    heights, points = [level.y for level in levels], list(_points(fills, across, down))
    held_from = across(_seconds(deal.opened)) if deal.opened else 0.0
    held_until = across(_seconds(deal.until)) if deal.until and not deal.is_open else 100.0
    return PriceChart(
        path="".join(map(line, runs(xs * 10, ys, (~np.isnan(y)).nonzero()[0]))),
        held_from=round(held_from, 2),
        held_width=round(held_until - held_from, 2),
        levels=levels,
        marks=with_words([point for point in points if point.kind != "part"], xs, ys, heights),
        parts=tuple(point for point in points if point.kind == "part"),
        rules=rules_of(inner_ticks(low, high, 3), down, heights),
        dates=dates_of(time_ticks(start, end, MAX_DATES), across),
        readings=readings_of_slices(x, y, down),
        span_seconds=end - start,
    )


def _range(deal: Deal, prices: Sequence[Price]) -> tuple[float, float]:
    """What the prices, the entry and the exit need, and the levels that are not too far."""
    near = [price for _, price in prices]
    low, high = min(near), max(near)
    reach = FAR_FACTOR * (high - low) or abs(high) / 10
    wanted = [float(price) for _, price in _level_prices(deal) if low - reach <= price <= high + reach]
    low, high = min([low, *wanted]), max([high, *wanted])
    padding = (high - low) * PADDING_SHARE or abs(high) / 100 or 1.0
    return low - padding, high + padding


def _level_prices(deal: Deal) -> list[tuple[str, Decimal]]:
    stop = deal.stop if deal.is_open else deal.first_stop or deal.stop
    return [(kind, price) for kind, price in (("target", deal.target), ("stop", stop)) if price is not None]


def _level(kind: str, price: Decimal, down: Scale) -> Level:
    y = down(float(price))
    return Level(kind, round(min(max(y, 0.0), 100.0), 2), price, 1 if y < 0 else -1 if y > 100 else 0)


def _points(fills: Fills, across: Scale, down: Scale) -> Iterator[Point]:
    for kind, at, price in fills:
        if at is not None and price is not None:
            yield Point(kind, round(across(_seconds(at)), 2), round(down(float(price)), 2), price)


def _with_gaps(prices: Sequence[Price]) -> Iterator[tuple[float, float | None]]:
    """Points for a curve; what is unknown for long is a gap."""
    longest = GAP_FACTOR * median((later[0] - earlier[0]).total_seconds() for earlier, later in pairwise(prices))
    last = prices[0][0]
    for at, price in prices:
        if (at - last).total_seconds() > longest:
            yield _seconds(last + (at - last) / 2), None
        yield _seconds(at), price
        last = at


def _seconds(moment: datetime) -> float:
    """Since 1970 UTC."""
    return moment.replace(tzinfo=UTC).timestamp()
